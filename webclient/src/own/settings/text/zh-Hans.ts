import type { Translation } from '../../../i18n/index.ts';
import type en from './en.ts';

const hans: Translation<typeof en> = {
  proof: {
    title: '是您本人吗？',
    text: '此操作会改变谁能进入，请再次证明是您本人。',
    password: '密码',
    code: '第二验证因素的验证码',
    codeHint: '仅在您已设置时需要。',
    go: '继续',
    passkey: '改用通行密钥',
  },
  roles: {
    owner: '所有者', admin: '管理员', manager: '主管', sender: '发件人', reviewer: '审阅人', investigator: '调查人', auditor: '审计人',
  },
  rights: {
    owner: '所有权限，包括录制的证据',
    admin: '文件与成员，不含录制的证据',
    manager: '可看所有文件，发送自己的文件',
    sender: '发送并查看自己的文件',
    reviewer: '阅读与其共享的内容',
    investigator: '发生争议时打开录制的证据',
    auditor: '可读录制证据以外的一切，不能更改',
  },
  members: {
    title: '成员',
    you: '您',
    alone: '这里只有您一人',
    aloneText: '请在下方邀请他人：发送文件的人，以及发生争议时能与您一同打开证据的人。',
    roleOf: (name) => `${name}的角色`,
    change: '更改角色',
    remove: '移除',
    removeTitle: (name) => `移除${name}？`,
    removeText: '此人将无法再登录。其文件仍归组织所有。',
    invite: '邀请成员',
    email: '电子邮件地址',
    role: '角色',
    language: '邮件语言',
    go: '发送邀请',
    sent: (email) => `邀请已发往 ${email}。`,
    pending: '已邀请，尚未加入',
    until: (day) => `有效至${day}`,
    revoke: '撤回',
  },
  settings: {
    title: '设置',
    save: '保存',
    saved: '已保存。',
    profile: {
      title: '您的个人资料',
      name: '姓名', email: '电子邮件地址', phone: '电话号码', phoneHint: '请含国家代码，例如 +41 79 123 45 67。可留空。',
      language: '邮件语言',
      confirm: (email) => `已保存。确认新地址的链接已发往 ${email}。`,
    },
    password: {
      title: '密码', current: '当前的密码', next: '新密码', hint: '至少 15 个字符。几个不相关的词容易记住又难以猜中。',
      go: '更改密码', done: '密码已更改。',
    },
    session: { title: '您登录的地方', text: '仅在此处：一个账户同时只能在一处登录。在他处登录会结束此会话，并以邮件通知您。', end: '退出登录' },
    factors: {
      title: '第二验证因素',
      text: '有了第二验证因素，仅凭被盗的密码无法进入。',
      app: '验证器应用', on: '已启用', off: '未启用', setUp: '开始设置', remove: '移除',
      enter: '请用验证器应用扫描此二维码，或在其中输入密钥，然后输入其显示的验证码。', picture: '含有验证器应用密钥的二维码', open: '在此设备的应用中打开',
      code: '应用的验证码', confirm: '确认',
      passkeys: '通行密钥', noPasskeys: '尚无。通行密钥以此设备的锁定方式让您登录，无需密码。',
      since: (day) => `自${day}起`, newName: '新通行密钥的名称', passkeyName: '通行密钥', add: '添加通行密钥',
      stopped: '未创建通行密钥：对话框已取消，或此设备无法提供。',
      left: (n) => `剩余 ${n} 个恢复码`, newCodes: '生成新的恢复码',
      codes: '请抄下这些恢复码。丢失第二验证因素时，每个可使用一次；之后不会再显示。',
    },
    organisation: {
      title: '组织', name: '名称', controller: '个人数据负责人', controllerHint: '姓名与联系方式，会显示给签署人。',
      secondFactor: '每位成员都需要第二验证因素',
    },
    keys: {
      title: 'API 密钥', text: '密钥让程序代您操作。其权限不超过您，且绝不能打开录制的证据。',
      none: '尚无密钥。', until: (day) => `至${day}`, used: (day) => `上次使用于${day}`, unused: '从未使用',
      name: '名称', nameHint: '使用它的程序。', use: '用途', uses: { follow: '跟踪文件', send: '发送文件', collect: '下载已签文件与寄存' },
      days: '有效天数', make: '创建密钥', revoke: '吊销', once: '请立即复制密钥：之后不会再显示。',
    },
    webhooks: {
      title: 'Webhook', text: '每个事件都会通知您自己的程序：服务会将已签名的事件发送到您的网址。',
      none: '尚无网址。', url: '网址', urlHint: '须为 https:// 且可从互联网访问。', make: '添加网址', active: '启用', remove: '移除',
      once: '请立即复制密钥：您的程序以它检查所收内容的签名。',
      deliveries: '发送记录', noDeliveries: '尚未发送任何内容。', states: { queued: '等待中', sent: '已收到', failed: '失败' }, repeat: '重新发送',
    },
    provider: {
      title: '以组织账户登录', text: '成员可使用工作账户登录。', on: '成员可使用工作账户登录：已完成。',
      kind: '协议', issuer: '颁发者', client: '客户端 ID', secret: '客户端密钥', secretKept: '留空则保留已保存的密钥。',
      metadata: '元数据（XML）', metadataHint: '以您的提供者所公布者为准。', role: '首次登录者的角色',
      enforced: '所有者以外的所有人都必须由此登录', secondFactor: '提供者要求所有人使用第二验证因素', secondFactorHint: '仅在其回复本身未说明时使用。需要第二验证因素的成员即凭其说明进入。',
      address: '提供者将用户送回的网址', audience: '本服务对提供者的名称', remove: '移除',
    },
    names: {
      title: '成员如何找到此登录方式', text: '成员在登录页面输入简称或工作地址；使用地址时，须先证明域名属于您。',
      none: '尚无名称：没有人能找到。', name: '简称或域名', hint: '例如 atelier-durand 或 atelier.example。', add: '添加',
      used: '使用中', waits: '尚未证明', record: '请将此 TXT 记录加入域名的 DNS，然后查询。可能需要一小时才看得到。',
      recordName: '记录名称', recordValue: '值', verify: '查询记录', remove: '移除', removeOf: (name) => `移除 ${name}`,
    },
    leave: {
      title: '删除您的账户', text: '您的个人资料、密码与验证因素将被清除。文件与寄存仍归组织所有。',
      go: '删除我的账户', sure: '此操作无法撤销。',
    },
  },
};

export default hans;
