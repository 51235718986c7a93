import type { Translation } from '../../i18n/index.ts';
import type en from './en.ts';

const zhHans: Translation<typeof en> = {
  title: '验证已签署的文件',
  intro: '逐项检查寄存凭证（.asice）或已签署的 PDF。不需要账户。',
  choose: '选择文件',
  drop: '或拖放到此处',
  local: '文件在此设备上检查，不会上传。',
  working: (name, size) => `正在检查 ${name}（${size}）…`,
  answers: {
    holds: '全部成立。',
    unknown: '没有错误，但有些项目无法判定。',
    fails: '此文件不成立。',
    unreadable: '无法读取此文件。',
    stopped: '检查未能完成。',
    missing: '此处无法进行检查。',
  },
  explained: {
    holds: '文件完整，自封存后未经更改，且其封存可追溯至此处已知的根证书。',
    erased: '文件与封存时相同，仅封存后依权利清除的部分除外；文件内经签署的声明载明了这些部分。其封存可追溯至此处已知的根证书。',
    unknown: '标为“待定”的项目需要文件以外的资料，例如您信任的根证书。',
    fails: '下列至少有一项错误：文件经过更改、不完整，或并非如其所述制作。',
    unreadable: '它既不是寄存凭证，也不是含签名的 PDF，或其结构本身已损坏。',
    stopped: '对此文件不作任何判断。它可能已被移动、更改或删除，或对此设备而言太大：请重新选择。',
    missing: '验证器未能加载：连接中断，或此服务器未附浏览器验证器。请重新选择文件，或改用 inkverify 程序；它不需要网络。',
  },
  agree: '另一个独立编写的验证程序对此容器得出相同的结论。',
  disagree: '两个验证程序对此文件的结论不一致。请勿采信，并通知本服务：其中一个有误。',
  exact: '每一点下方：确切的检查结果（英文）。',
  statuses: { holds: '成立', fails: '错误', unknown: '待定' },
  limitsTitle: '这不能证明什么',
  limits: [
    '某人是自愿签署，或理解所签的内容。',
    '视频中的人就是其所声称的人：必须由人观看比对。',
    '两个签名出自同一人之手：似然比是对一种解释的支持，并非证明。',
    '文件中第一个时间戳之前的任何时间。',
  ].join('\n'),
};
export default zhHans;
