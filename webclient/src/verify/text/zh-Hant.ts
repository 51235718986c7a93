import type { Translation } from '../../i18n/index.ts';
import type en from './en.ts';

const zhHant: Translation<typeof en> = {
  title: '驗證已簽署的文件',
  intro: '逐項檢查寄存憑證（.asice）或已簽署的 PDF。不需要帳戶。',
  choose: '選擇檔案',
  drop: '或拖放到此處',
  local: '檔案在此裝置上檢查，不會上傳。',
  working: (name, size) => `正在檢查 ${name}（${size}）…`,
  answers: {
    holds: '全部成立。',
    unknown: '沒有錯誤，但有些項目無法判定。',
    fails: '此檔案不成立。',
    unreadable: '無法讀取此檔案。',
    stopped: '檢查未能完成。',
    missing: '此處無法進行檢查。',
  },
  explained: {
    holds: '檔案完整，自封存後未經更改，且其封存可追溯至此處已知的根憑證。',
    erased: '檔案與封存時相同，唯封存後依權利清除的部分除外；檔案內經簽署的聲明載明了這些部分。其封存可追溯至此處已知的根憑證。',
    unknown: '標示為「待定」的項目需要檔案以外的資料，例如您信任的根憑證。',
    fails: '下列至少有一項錯誤：檔案經過更改、不完整，或並非如其所述製作。',
    unreadable: '它既不是寄存憑證，也不是含簽名的 PDF，或其結構本身已損壞。',
    stopped: '對此檔案不作任何判斷。它可能已被移動、更改或刪除，或對此裝置而言太大：請重新選擇。',
    missing: '驗證器未能載入：連線中斷，或此伺服器未附瀏覽器驗證器。請重新選擇檔案，或改用 inkverify 程式；它不需要網路。',
  },
  agree: '另一個獨立編寫的驗證程式對此容器得出相同的結論。',
  disagree: '兩個驗證程式對此檔案的結論不一致。請勿採信，並通知本服務：其中一個有誤。',
  exact: '每一點下方：確切的查驗結果（英文）。',
  statuses: { holds: '成立', fails: '錯誤', unknown: '待定' },
  limitsTitle: '這不能證明什麼',
  limits: [
    '某人是自願簽署，或理解所簽的內容。',
    '影片中的人就是其所聲稱的人：必須由人觀看比對。',
    '兩個簽名出自同一人之手：似然比是對一種解釋的支持，並非證明。',
    '檔案中第一個時間戳記之前的任何時間。',
  ].join('\n'),
};
export default zhHant;
