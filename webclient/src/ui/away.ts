// What is said where the texts themselves cannot be had.
import type { Language } from '../i18n/index.ts';

export const AWAY: Record<Language, string> = {
  en: 'The service does not answer. The page goes on by itself when it is back.',
  fr: 'Le service ne répond pas. La page continuera d’elle-même à son retour.',
  'zh-Hant': '服務目前沒有回應，恢復後頁面會自動繼續。',
  'zh-Hans': '服务目前没有响应，恢复后页面会自动继续。',
};

export const LATE: Record<Language, string> = {
  en: 'This takes longer than usual. The page goes on by itself as soon as it can; reload it if nothing happens.',
  fr: 'C’est plus long que d’habitude. La page continue d’elle-même dès que possible ; rechargez-la si rien ne se passe.',
  'zh-Hant': '載入時間比平常久。頁面會盡快自動繼續；若沒有反應，請重新載入。',
  'zh-Hans': '加载时间比平常久。页面会尽快自动继续；若没有反应，请重新加载。',
};
