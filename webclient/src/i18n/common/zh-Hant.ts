import type { Translation } from '../index.ts';
import type en from './en.ts';

const zhHant: Translation<typeof en> = {
  brand: 'Inkwitness',
  language: '語言',
  close: '關閉',
  cancel: '取消',
  back: '返回',
  tryAgain: '再試一次',
  loading: '載入中…',
  skip: '跳至內容',
  optional: '選填',
  required: '請填寫此欄。',
  tooShort: (n) => `至少 ${n} 個字。`,
  noAddress: '這不是電子郵件地址。',
  unreadable: '格式不正確，請檢查。',
  crash: {
    title: '此頁面發生問題',
    detail: '您已完成的部分都已保留。請重新載入頁面以繼續。',
    reload: '重新載入',
  },
  problems: {
    unreachable: '無法連線至服務。請檢查網路連線；資料不會遺失。',
    signedOut: '您已登出。',
    forbidden: '您沒有執行此操作的權限。',
    othersRecorded: '寄存憑證含有其他簽署人的錄製內容，因此由傳送者保管。已簽署的文件歸您所有。',
    missing: '此項目不存在，或已不再存在。',
    conflict: '此項目已被更改。請重新載入頁面。',
    tooLarge: '檔案過大。',
    wrongPassword: '目前的密碼不正確。',
    tooMany: '請求過多。請稍候再試。',
    server: '服務發生問題。請稍後再試。',
  },
  pdf: {
    label: '文件',
    page: (n, of) => `第 ${n} 頁，共 ${of} 頁`,
    zoomIn: '放大',
    zoomOut: '縮小',
    fit: '符合寬度',
    rotate: '旋轉',
    nextField: '下一個簽名處',
    failed: '無法顯示文件。',
    signHere: '請在此簽名',
  },
};
export default zhHant;
