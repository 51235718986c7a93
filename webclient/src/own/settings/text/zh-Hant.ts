import type { Translation } from '../../../i18n/index.ts';
import type en from './en.ts';

const hant: Translation<typeof en> = {
  proof: {
    title: '是您本人嗎？',
    text: '此操作會改變誰能進入，請再次證明是您本人。',
    password: '密碼',
    code: '第二驗證因素的驗證碼',
    codeHint: '僅在您已設定時需要。',
    go: '繼續',
    passkey: '改用通行金鑰',
  },
  roles: {
    owner: '擁有者', admin: '管理員', manager: '主管', sender: '寄件人', reviewer: '審閱人', investigator: '調查人', auditor: '稽核人',
  },
  rights: {
    owner: '所有權限，包括錄製的證據',
    admin: '文件與成員，不含錄製的證據',
    manager: '可看所有文件，寄送自己的文件',
    sender: '寄送並查看自己的文件',
    reviewer: '閱讀與其共用的內容',
    investigator: '發生爭議時開啟錄製的證據',
    auditor: '可讀錄製證據以外的一切，不能更改',
  },
  members: {
    title: '成員',
    you: '您',
    alone: '這裡只有您一人',
    aloneText: '請在下方邀請他人：寄送文件的人，以及發生爭議時能與您一同開啟證據的人。',
    roleOf: (name) => `${name}的角色`,
    change: '變更角色',
    remove: '移除',
    removeTitle: (name) => `移除${name}？`,
    removeText: '此人將無法再登入。其文件仍歸組織所有。',
    invite: '邀請成員',
    email: '電子郵件地址',
    role: '角色',
    language: '郵件語言',
    go: '寄出邀請',
    sent: (email) => `邀請已寄往 ${email}。`,
    pending: '已邀請，尚未加入',
    until: (day) => `有效至${day}`,
    revoke: '撤回',
  },
  settings: {
    title: '設定',
    save: '儲存',
    saved: '已儲存。',
    profile: {
      title: '您的個人資料',
      name: '姓名', email: '電子郵件地址', phone: '電話號碼', phoneHint: '請含國碼，例如 +41 79 123 45 67。可留空。',
      language: '郵件語言',
      confirm: (email) => `已儲存。確認新地址的連結已寄往 ${email}。`,
    },
    password: {
      title: '密碼', current: '目前的密碼', next: '新密碼', hint: '至少 15 個字元。幾個不相關的詞容易記住又難以猜中。',
      go: '更改密碼', done: '密碼已更改。',
    },
    session: { title: '您登入的地方', text: '僅在此處：一個帳戶同時只能在一處登入。在他處登入會結束此工作階段，並以郵件通知您。', end: '登出' },
    factors: {
      title: '第二驗證因素',
      text: '有了第二驗證因素，僅憑被盜的密碼無法進入。',
      app: '驗證器應用程式', on: '已啟用', off: '未啟用', setUp: '開始設定', remove: '移除',
      enter: '請用驗證器應用程式掃描此 QR 碼，或在其中輸入金鑰，然後輸入其顯示的驗證碼。', picture: '含有驗證器應用程式金鑰的 QR 碼', open: '在此裝置的應用程式中開啟',
      code: '應用程式的驗證碼', confirm: '確認',
      passkeys: '通行金鑰', noPasskeys: '尚無。通行金鑰以此裝置的鎖定方式讓您登入，無需密碼。',
      since: (day) => `自${day}起`, newName: '新通行金鑰的名稱', passkeyName: '通行金鑰', add: '新增通行金鑰',
      stopped: '未建立通行金鑰：對話方塊已取消，或此裝置無法提供。',
      left: (n) => `剩餘 ${n} 個復原碼`, newCodes: '產生新的復原碼',
      codes: '請抄下這些復原碼。遺失第二驗證因素時，每個可使用一次；之後不會再顯示。',
    },
    organisation: {
      title: '組織', name: '名稱', controller: '個人資料負責人', controllerHint: '姓名與聯絡方式，會顯示給簽署人。',
      secondFactor: '每位成員都需要第二驗證因素',
    },
    keys: {
      title: 'API 金鑰', text: '金鑰讓程式代您操作。其權限不超過您，且絕不能開啟錄製的證據。',
      none: '尚無金鑰。', until: (day) => `至${day}`, used: (day) => `上次使用於${day}`, unused: '從未使用',
      name: '名稱', nameHint: '使用它的程式。', use: '用途', uses: { follow: '追蹤文件', send: '寄送文件', collect: '下載已簽文件與寄存' },
      days: '有效天數', make: '建立金鑰', revoke: '撤銷', once: '請立即複製金鑰：之後不會再顯示。',
    },
    webhooks: {
      title: 'Webhook', text: '每個事件都會通知您自己的程式：服務會將已簽章的事件傳送到您的網址。',
      none: '尚無網址。', url: '網址', urlHint: '須為 https:// 且可從網際網路存取。', make: '新增網址', active: '啟用', remove: '移除',
      once: '請立即複製密鑰：您的程式以它檢查所收內容的簽章。',
      deliveries: '傳送記錄', noDeliveries: '尚未傳送任何內容。', states: { queued: '等待中', sent: '已收到', failed: '失敗' }, repeat: '重新傳送',
    },
    provider: {
      title: '以組織帳戶登入', text: '成員可使用工作帳戶登入。', on: '成員可使用工作帳戶登入：已完成。',
      kind: '通訊協定', issuer: '發行者', client: '用戶端 ID', secret: '用戶端密鑰', secretKept: '留空則保留已儲存的密鑰。',
      metadata: '中繼資料（XML）', metadataHint: '以您的提供者所公布者為準。', role: '首次登入者的角色',
      enforced: '擁有者以外的所有人都必須由此登入', secondFactor: '提供者要求所有人使用第二驗證因素', secondFactorHint: '僅在其回覆本身未說明時使用。需要第二驗證因素的成員即憑其說明進入。',
      address: '提供者將使用者送回的網址', audience: '本服務對提供者的名稱', remove: '移除',
    },
    names: {
      title: '成員如何找到此登入方式', text: '成員在登入頁面輸入簡稱或工作地址；使用地址時，須先證明網域屬於您。',
      none: '尚無名稱：沒有人能找到。', name: '簡稱或網域', hint: '例如 atelier-durand 或 atelier.example。', add: '新增',
      used: '使用中', waits: '尚未證明', record: '請將此 TXT 記錄加入網域的 DNS，然後查詢。可能需要一小時才看得到。',
      recordName: '記錄名稱', recordValue: '值', verify: '查詢記錄', remove: '移除', removeOf: (name) => `移除 ${name}`,
    },
    leave: {
      title: '刪除您的帳戶', text: '您的個人資料、密碼與驗證因素將被清除。文件與寄存仍歸組織所有。',
      go: '刪除我的帳戶', sure: '此操作無法復原。',
    },
  },
};

export default hant;
