import type { Translation } from '../index.ts';
import type en from './en.ts';

const zhHans: Translation<typeof en> = {
  brand: 'Inkwitness',
  language: '语言',
  close: '关闭',
  cancel: '取消',
  back: '返回',
  tryAgain: '重试',
  loading: '正在加载…',
  skip: '跳到内容',
  optional: '选填',
  required: '请填写此项。',
  tooShort: (n) => `至少 ${n} 个字。`,
  noAddress: '这不是电子邮件地址。',
  unreadable: '格式不正确，请检查。',
  crash: {
    title: '此页面出现问题',
    detail: '您已完成的部分都已保留。请重新加载页面以继续。',
    reload: '重新加载',
  },
  problems: {
    unreachable: '无法连接到服务。请检查网络连接；数据不会丢失。',
    signedOut: '您已退出登录。',
    forbidden: '您没有执行此操作的权限。',
    othersRecorded: '寄存凭证含有其他签署人的录制内容，因此由发送者保管。已签署的文件归您所有。',
    missing: '此项不存在，或已不再存在。',
    conflict: '此项已被更改。请重新加载页面。',
    tooLarge: '文件过大。',
    wrongPassword: '当前密码不正确。',
    tooMany: '请求过多。请稍候再试。',
    server: '服务出现问题。请稍后再试。',
  },
  pdf: {
    label: '文件',
    page: (n, of) => `第 ${n} 页，共 ${of} 页`,
    zoomIn: '放大',
    zoomOut: '缩小',
    fit: '适合宽度',
    rotate: '旋转',
    nextField: '下一个签名处',
    failed: '无法显示文件。',
    signHere: '请在此签名',
  },
};
export default zhHans;
