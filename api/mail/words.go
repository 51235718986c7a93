package mail

import (
	"fmt"
	"strings"
	"unicode"

	"inkwitness/api"
)

// words are one mail in one language. {link} and {code} stand on lines of their
// own. Fields are written without names, so that a missing language or part does
// not compile.
type words struct{ subject, body string }

type letter struct {
	values             []string // that the words need, besides {link}
	link               bool
	en, fr, hant, hans words
}

func (l letter) in(language string) words {
	switch language {
	case "fr":
		return l.fr
	case "zh-Hant":
		return l.hant
	case "zh-Hans":
		return l.hans
	}
	return l.en
}

var who = []string{"time", "address", "browser"}

// letters holds every mail in every language.
var letters = map[api.NoticeKind]letter{
	api.NoticeInvitation: {[]string{"sender"}, true,
		words{"A document for you to sign", "{sender} asks you to sign a document.\n\nRead it and sign here. The link is for you alone:\n\n{link}\n\nIf you do not expect this, ignore it: nothing happens without you."},
		words{"Un document à signer", "{sender} vous demande de signer un document.\n\nLisez-le et signez ici. Ce lien est pour vous seul :\n\n{link}\n\nSi vous n’attendez pas ce message, ignorez-le : rien ne se fait sans vous."},
		words{"有一份文件請您簽署", "{sender} 請您簽署一份文件。\n\n請在此閱讀並簽署。此連結僅供您本人使用：\n\n{link}\n\n若您並未預期收到此信，請忽略：沒有您的參與，不會有任何變動。"},
		words{"有一份文件请您签署", "{sender} 请您签署一份文件。\n\n请在此阅读并签署。此链接仅供您本人使用：\n\n{link}\n\n若您并未预期收到此邮件，请忽略：没有您的参与，不会有任何变动。"}},
	api.NoticeReminder: {[]string{"sender"}, true,
		words{"A document still waits for your signature", "{sender} reminds you of a document that waits for your signature:\n\n{link}"},
		words{"Un document attend toujours votre signature", "{sender} vous rappelle qu’un document attend votre signature :\n\n{link}"},
		words{"仍有一份文件等待您簽署", "{sender} 提醒您，有一份文件等待您簽署：\n\n{link}"},
		words{"仍有一份文件等待您签署", "{sender} 提醒您，有一份文件等待您签署：\n\n{link}"}},
	api.NoticeCompleted: {nil, true,
		words{"Everybody has signed", "A document that you take part in was signed by everybody and is sealed. You can download it and its proof here:\n\n{link}"},
		words{"Tout le monde a signé", "Un document auquel vous prenez part a été signé par tous et scellé. Vous pouvez le télécharger avec sa preuve ici :\n\n{link}"},
		words{"所有人均已簽署", "您參與的一份文件已由所有人簽署並封存。您可在此下載文件及其證明：\n\n{link}"},
		words{"所有人均已签署", "您参与的一份文件已由所有人签署并封存。您可在此下载文件及其证明：\n\n{link}"}},
	api.NoticeDeclined: {nil, false,
		words{"A signature was declined", "Somebody declined to sign a document that you take part in. It will not be completed. Its sender finds the reason on the document's page."},
		words{"Une signature a été refusée", "Une personne a refusé de signer un document auquel vous prenez part. Il ne sera pas finalisé. L’expéditeur trouve le motif sur la page du document."},
		words{"有人拒絕簽署", "有人拒絕簽署一份您參與的文件，該文件將不會完成。寄件人可在文件頁面查看原因。"},
		words{"有人拒绝签署", "有人拒绝签署一份您参与的文件，该文件将不会完成。发件人可在文件页面查看原因。"}},
	api.NoticeCancelled: {[]string{"sender"}, false,
		words{"You need not sign any more", "{sender} took back a document that you were asked to sign. The link that you were sent no longer works."},
		words{"Votre signature n’est plus demandée", "{sender} a retiré un document que l’on vous demandait de signer. Le lien reçu ne fonctionne plus."},
		words{"您無需再簽署", "{sender} 已撤回請您簽署的文件。先前寄給您的連結已失效。"},
		words{"您无需再签署", "{sender} 已撤回请您签署的文件。先前发送给您的链接已失效。"}},
	api.NoticeEnding: {[]string{"date"}, true,
		words{"A deposit ends in 90 days", "A letter of deposit of yours is kept until {date}. On that day it is deleted for good, unless a legal hold keeps it. Download it before:\n\n{link}"},
		words{"Un dépôt prend fin dans 90 jours", "Une de vos lettres de dépôt est conservée jusqu’au {date}. Ce jour-là, elle est supprimée définitivement, sauf si une conservation légale la retient. Téléchargez-la avant :\n\n{link}"},
		words{"一份寄存憑證將於 90 天後到期", "您的一份寄存憑證保存至 {date}。屆時除非受法律保全，否則將永久刪除。請於此前下載：\n\n{link}"},
		words{"一份寄存凭证将于 90 天后到期", "您的一份寄存凭证保存至 {date}。届时除非受法律保全，否则将永久删除。请在此之前下载：\n\n{link}"}},
	api.NoticeShared: {[]string{"sender"}, true,
		words{"A document was shared with you", "{sender} shared a document with you. You find it here, once you are signed in:\n\n{link}"},
		words{"Un document a été partagé avec vous", "{sender} a partagé un document avec vous. Vous le trouverez ici, une fois connecté :\n\n{link}"},
		words{"有人與您共用一份文件", "{sender} 與您共用了一份文件。登入後可在此查看：\n\n{link}"},
		words{"有人与您共享一份文件", "{sender} 与您共享了一份文件。登录后可在此查看：\n\n{link}"}},
	api.NoticeComment: {[]string{"sender"}, true,
		words{"A new comment on a document", "{sender} commented on a document that you take part in. Read it here, once you are signed in:\n\n{link}"},
		words{"Un nouveau commentaire sur un document", "{sender} a commenté un document auquel vous prenez part. Lisez-le ici, une fois connecté :\n\n{link}"},
		words{"文件有新留言", "{sender} 在您參與的一份文件上留言。登入後可在此閱讀：\n\n{link}"},
		words{"文件有新评论", "{sender} 在您参与的一份文件上发表了评论。登录后可在此阅读：\n\n{link}"}},
	api.NoticeMember: {[]string{"organisation"}, true,
		words{"Your invitation to Inkwitness", "You are invited to join {organisation} on Inkwitness. Make your account here; the link works once, for seven days:\n\n{link}"},
		words{"Votre invitation à Inkwitness", "Vous êtes invité à rejoindre {organisation} sur Inkwitness. Créez votre compte ici ; le lien fonctionne une fois, pendant sept jours :\n\n{link}"},
		words{"Inkwitness 邀請函", "您受邀加入 Inkwitness 上的 {organisation}。請在此建立帳戶；連結僅能使用一次，七天內有效：\n\n{link}"},
		words{"Inkwitness 邀请函", "您受邀加入 Inkwitness 上的 {organisation}。请在此创建账户；链接仅能使用一次，七天内有效：\n\n{link}"}},
	api.NoticeSignIn: {who, false,
		words{"A second sign-in to your account", "Somebody with your password tried to sign in while you are signed in elsewhere.\n\n{time}\n{browser}\n{address}\n\nIf that was you, nothing need be done. If not, change your password now."},
		words{"Une seconde connexion à votre compte", "Une personne disposant de votre mot de passe a tenté de se connecter alors que vous êtes connecté ailleurs.\n\n{time}\n{browser}\n{address}\n\nSi c’était vous, il n’y a rien à faire. Sinon, changez votre mot de passe maintenant."},
		words{"您的帳戶出現第二次登入", "在您已於他處登入時，有人以您的密碼嘗試登入。\n\n{time}\n{browser}\n{address}\n\n若是您本人，則無需處理。若不是，請立即更改密碼。"},
		words{"您的账户出现第二次登录", "在您已于别处登录时，有人以您的密码尝试登录。\n\n{time}\n{browser}\n{address}\n\n若是您本人，则无需处理。若不是，请立即更改密码。"}},
	api.NoticeTakenOver: {who, false,
		words{"Your session was taken over", "You signed in elsewhere, and the session before was ended.\n\n{time}\n{browser}\n{address}\n\nIf that was not you, set a new password now."},
		words{"Votre session a été reprise", "Vous vous êtes connecté ailleurs et la session précédente a pris fin.\n\n{time}\n{browser}\n{address}\n\nSi ce n’était pas vous, définissez maintenant un nouveau mot de passe."},
		words{"您的工作階段已被接管", "您已於他處登入，先前的工作階段已結束。\n\n{time}\n{browser}\n{address}\n\n若非您本人，請立即設定新密碼。"},
		words{"您的会话已被接管", "您已在别处登录，先前的会话已结束。\n\n{time}\n{browser}\n{address}\n\n若非您本人，请立即设置新密码。"}},
	api.NoticeCopied: {who, false,
		words{"Your session was ended for safety", "Two browsers have shown the key of your session. It may have been copied, so the session was ended.\n\n{time}\n{browser}\n{address}\n\nSign in again and change your password."},
		words{"Votre session a été fermée par sécurité", "Deux navigateurs ont présenté la clé de votre session. Elle a pu être copiée ; la session a donc été fermée.\n\n{time}\n{browser}\n{address}\n\nReconnectez-vous et changez votre mot de passe."},
		words{"為安全起見，您的工作階段已結束", "有兩個瀏覽器出示了您工作階段的金鑰，可能遭到複製，因此已結束該工作階段。\n\n{time}\n{browser}\n{address}\n\n請重新登入並更改密碼。"},
		words{"为安全起见，您的会话已结束", "有两个浏览器出示了您会话的密钥，可能遭到复制，因此已结束该会话。\n\n{time}\n{browser}\n{address}\n\n请重新登录并更改密码。"}},
	api.NoticeMoved: {who, false,
		words{"Your session is used from elsewhere", "Your session is used from another network, or by another browser of the same kind, than before.\n\n{time}\n{browser}\n{address}\n\nIf you moved, for example from Wi-Fi to a mobile network, nothing need be done. If not, sign out in your browser and change your password now."},
		words{"Votre session est utilisée depuis un autre endroit", "Votre session est utilisée depuis un autre réseau, ou par un autre navigateur du même type, qu’auparavant.\n\n{time}\n{browser}\n{address}\n\nSi vous vous êtes déplacé, par exemple du Wi-Fi à un réseau mobile, il n’y a rien à faire. Sinon, déconnectez-vous dans votre navigateur et changez votre mot de passe maintenant."},
		words{"您的工作階段正從別處使用", "您的工作階段正從與先前不同的網路，或由另一個同類的瀏覽器使用。\n\n{time}\n{browser}\n{address}\n\n若您更換了網路，例如從無線網路換到行動網路，則無需處理。若不是，請立即在您的瀏覽器中登出並更改密碼。"},
		words{"您的会话正从别处使用", "您的会话正从与先前不同的网络，或由另一个同类的浏览器使用。\n\n{time}\n{browser}\n{address}\n\n若您更换了网络，例如从无线网络换到移动网络，则无需处理。若不是，请立即在您的浏览器中退出登录并更改密码。"}},
	api.NoticeTakeOverCode: {append([]string{"code"}, who...), false,
		words{"Your code", "Your code to take over the session:\n\n{code}\n\nIt works once, for ten minutes. It was asked for from:\n\n{time}\n{browser}\n{address}\n\nGive it to nobody. If it was not you who asked, change your password."},
		words{"Votre code", "Votre code pour reprendre la session :\n\n{code}\n\nIl fonctionne une fois, pendant dix minutes. Il a été demandé depuis :\n\n{time}\n{browser}\n{address}\n\nNe le donnez à personne. Si ce n’est pas vous qui l’avez demandé, changez votre mot de passe."},
		words{"您的驗證碼", "接管工作階段的驗證碼：\n\n{code}\n\n僅能使用一次，十分鐘內有效。索取來源：\n\n{time}\n{browser}\n{address}\n\n請勿告訴任何人。若非您本人索取，請更改密碼。"},
		words{"您的验证码", "接管会话的验证码：\n\n{code}\n\n仅能使用一次，十分钟内有效。索取来源：\n\n{time}\n{browser}\n{address}\n\n请勿告诉任何人。若非您本人索取，请更改密码。"}},
	api.NoticeReset: {nil, true,
		words{"Set a new password", "Set a new password here. The link works once, for one hour:\n\n{link}\n\nIf you did not ask for it, ignore this mail: your password stays as it is."},
		words{"Définir un nouveau mot de passe", "Définissez un nouveau mot de passe ici. Le lien fonctionne une fois, pendant une heure :\n\n{link}\n\nSi vous ne l’avez pas demandé, ignorez ce message : votre mot de passe reste inchangé."},
		words{"設定新密碼", "請在此設定新密碼。連結僅能使用一次，一小時內有效：\n\n{link}\n\n若非您本人要求，請忽略此信：您的密碼不會變更。"},
		words{"设置新密码", "请在此设置新密码。链接仅能使用一次，一小时内有效：\n\n{link}\n\n若非您本人要求，请忽略此邮件：您的密码不会变更。"}},
	api.NoticePasswordChanged: {who, false,
		words{"Your password was changed", "The password of your account was changed.\n\n{time}\n{browser}\n{address}\n\nIf that was not you, set a new password now."},
		words{"Votre mot de passe a été changé", "Le mot de passe de votre compte a été changé.\n\n{time}\n{browser}\n{address}\n\nSi ce n’était pas vous, définissez maintenant un nouveau mot de passe."},
		words{"您的密碼已更改", "您帳戶的密碼已更改。\n\n{time}\n{browser}\n{address}\n\n若非您本人，請立即設定新密碼。"},
		words{"您的密码已更改", "您账户的密码已更改。\n\n{time}\n{browser}\n{address}\n\n若非您本人，请立即设置新密码。"}},
	api.NoticeFactorChanged: {who, false,
		words{"A second factor was changed", "A second factor of your account was added, removed or renewed.\n\n{time}\n{browser}\n{address}\n\nIf that was not you, set a new password now."},
		words{"Un second facteur a été modifié", "Un second facteur de votre compte a été ajouté, retiré ou renouvelé.\n\n{time}\n{browser}\n{address}\n\nSi ce n’était pas vous, définissez maintenant un nouveau mot de passe."},
		words{"第二驗證因素已變更", "您帳戶的第二驗證因素已新增、移除或更新。\n\n{time}\n{browser}\n{address}\n\n若非您本人，請立即設定新密碼。"},
		words{"第二验证因素已变更", "您账户的第二验证因素已新增、移除或更新。\n\n{time}\n{browser}\n{address}\n\n若非您本人，请立即设置新密码。"}},
	api.NoticeRecoveryUsed: {who, false,
		words{"A recovery code was used", "A recovery code of your account was used in place of its second factor. It does not work again.\n\n{time}\n{browser}\n{address}\n\nIf that was not you, set a new password now and renew the recovery codes."},
		words{"Un code de secours a été utilisé", "Un code de secours de votre compte a été utilisé à la place du second facteur. Il ne fonctionne plus.\n\n{time}\n{browser}\n{address}\n\nSi ce n’était pas vous, définissez maintenant un nouveau mot de passe et renouvelez les codes de secours."},
		words{"已使用一組復原碼", "您帳戶的一組復原碼已代替第二驗證因素使用，不能再次使用。\n\n{time}\n{browser}\n{address}\n\n若非您本人，請立即設定新密碼並更新復原碼。"},
		words{"已使用一个恢复码", "您账户的一个恢复码已代替第二验证因素使用，不能再次使用。\n\n{time}\n{browser}\n{address}\n\n若非您本人，请立即设置新密码并更新恢复码。"}},
	api.NoticeAddressChanged: {who, false,
		words{"The address of your account was changed", "The e-mail address of your account was changed. This mail goes to the old and to the new one.\n\n{time}\n{browser}\n{address}\n\nIf that was not you, answer to the person who invited you at once."},
		words{"L’adresse de votre compte a été changée", "L’adresse électronique de votre compte a été changée. Ce message est envoyé à l’ancienne et à la nouvelle adresse.\n\n{time}\n{browser}\n{address}\n\nSi ce n’était pas vous, prévenez aussitôt la personne qui vous a invité."},
		words{"您帳戶的電子郵件地址已更改", "您帳戶的電子郵件地址已更改。此信同時寄往舊地址與新地址。\n\n{time}\n{browser}\n{address}\n\n若非您本人，請立即通知邀請您的人。"},
		words{"您账户的电子邮件地址已更改", "您账户的电子邮件地址已更改。此邮件同时发往旧地址与新地址。\n\n{time}\n{browser}\n{address}\n\n若非您本人，请立即通知邀请您的人。"}},
	api.NoticePhoneChanged: {who, false,
		words{"The phone number of your account was changed", "The phone number of your account was changed. For some time it cannot be used for signing.\n\n{time}\n{browser}\n{address}\n\nIf that was not you, set a new password now."},
		words{"Le numéro de téléphone de votre compte a été changé", "Le numéro de téléphone de votre compte a été changé. Pendant quelque temps, il ne peut pas servir à signer.\n\n{time}\n{browser}\n{address}\n\nSi ce n’était pas vous, définissez maintenant un nouveau mot de passe."},
		words{"您帳戶的電話號碼已更改", "您帳戶的電話號碼已更改。一段時間內不能用於簽署。\n\n{time}\n{browser}\n{address}\n\n若非您本人，請立即設定新密碼。"},
		words{"您账户的电话号码已更改", "您账户的电话号码已更改。一段时间内不能用于签署。\n\n{time}\n{browser}\n{address}\n\n若非您本人，请立即设置新密码。"}},
	api.NoticeDataRequest: {[]string{"signer", "address", "text"}, true,
		words{"A signer asks about their personal data", "{signer} asks about the personal data in a document that you are responsible for. Please answer within a month.\n\n{text}\n\nAnswer to: {address}\n\nThe document:\n\n{link}"},
		words{"Un signataire demande des informations sur ses données personnelles", "{signer} a une demande sur les données personnelles d’un document dont vous êtes responsable. Merci de répondre dans un délai d’un mois.\n\n{text}\n\nRépondre à : {address}\n\nLe document :\n\n{link}"},
		words{"一位簽署人就其個人資料提出要求", "{signer} 就您負責之文件中的個人資料提出要求，請於一個月內回覆。\n\n{text}\n\n回覆至：{address}\n\n文件：\n\n{link}"},
		words{"一位签署人就其个人数据提出请求", "{signer} 就您负责之文件中的个人数据提出请求，请于一个月内回复。\n\n{text}\n\n回复至：{address}\n\n文件：\n\n{link}"}},
	api.NoticeConfirmAddress: {nil, true,
		words{"Confirm your address", "Confirm that this address is yours. The link works once, for one hour:\n\n{link}"},
		words{"Confirmez votre adresse", "Confirmez que cette adresse est la vôtre. Le lien fonctionne une fois, pendant une heure :\n\n{link}"},
		words{"確認您的地址", "請確認此地址為您所有。連結僅能使用一次，一小時內有效：\n\n{link}"},
		words{"确认您的地址", "请确认此地址为您所有。链接仅能使用一次，一小时内有效：\n\n{link}"}},
	api.NoticeEvidenceAsked: {[]string{"asker"}, true,
		words{"Your consent is asked for: opening evidence", "{asker} asks to open the recording of a signature for a dispute. A second person has to agree. Read the reason, then agree or refuse:\n\n{link}"},
		words{"Votre accord est demandé : ouverture d’une preuve", "{asker} demande à ouvrir l’enregistrement d’une signature dans le cadre d’un litige. Une seconde personne doit donner son accord. Lisez le motif, puis acceptez ou refusez :\n\n{link}"},
		words{"請您同意：開啟證據", "{asker} 因爭議要求開啟一份簽名的記錄，需由第二人同意。請閱讀理由後同意或拒絕：\n\n{link}"},
		words{"请您同意：打开证据", "{asker} 因争议要求打开一份签名的记录，需由第二人同意。请阅读理由后同意或拒绝：\n\n{link}"}},
	api.NoticeEvidenceApproved: {nil, true,
		words{"You may open the evidence", "A second person agreed to your question. You can open the evidence once, within a day:\n\n{link}"},
		words{"Vous pouvez ouvrir la preuve", "Une seconde personne a accepté votre demande. Vous pouvez ouvrir la preuve une fois, dans la journée :\n\n{link}"},
		words{"您可以開啟證據", "第二人已同意您的要求。您可在一天內開啟證據一次：\n\n{link}"},
		words{"您可以打开证据", "第二人已同意您的要求。您可在一天内打开证据一次：\n\n{link}"}},
	api.NoticeEvidenceRefused: {nil, true,
		words{"The evidence stays closed", "A second person refused your question. You find the answer in the case:\n\n{link}"},
		words{"La preuve reste fermée", "Une seconde personne a refusé votre demande. La réponse se trouve dans le dossier :\n\n{link}"},
		words{"證據維持關閉", "第二人拒絕了您的要求。您可在案件中查看回覆：\n\n{link}"},
		words{"证据保持关闭", "第二人拒绝了您的要求。您可在案件中查看答复：\n\n{link}"}},
	api.NoticeEvidenceOpened: {[]string{"sender", "time"}, false,
		words{"The recording of a signature was opened", "A document that {sender} sent, and that you take part in, is in dispute. Two people agreed, and the recording of a signature on it was opened.\n\n{time}\n\nWho opened it and why is in the record. Ask the sender if you want to know more."},
		words{"L’enregistrement d’une signature a été ouvert", "Un document envoyé par {sender}, auquel vous prenez part, fait l’objet d’un litige. Avec l’accord de deux personnes, l’enregistrement d’une de ses signatures a été ouvert.\n\n{time}\n\nLe journal indique qui l’a ouvert et pourquoi. Adressez-vous à l’expéditeur pour en savoir plus."},
		words{"一份簽名的記錄已被開啟", "{sender} 寄出、您參與的一份文件發生爭議。經兩人同意，其中一份簽名的記錄已被開啟。\n\n{time}\n\n開啟者與理由均已載入記錄。如需進一步了解，請詢問寄件人。"},
		words{"一份签名的记录已被打开", "{sender} 发送、您参与的一份文件发生争议。经两人同意，其中一份签名的记录已被打开。\n\n{time}\n\n打开者与理由均已载入记录。如需进一步了解，请询问发件人。"}},
	api.NoticeCaseHandedOver: {[]string{"from"}, true,
		words{"A case was handed over to you", "{from} handed a case about a signature over to you. Files, findings and notes are in it; recorded evidence is closed until you ask for an opening of your own:\n\n{link}"},
		words{"Un dossier vous a été transmis", "{from} vous a transmis un dossier sur une signature. Il contient les fichiers, les résultats et les notes ; les preuves enregistrées restent fermées jusqu’à ce que vous demandiez vous-même leur ouverture :\n\n{link}"},
		words{"一件案件已移交給您", "{from} 將一件簽名爭議案件移交給您。檔案、結果與註記均在其中；已記錄的證據維持關閉，直到您自行申請開啟：\n\n{link}"},
		words{"一件案件已移交给您", "{from} 将一件签名争议案件移交给您。文件、结果与注记均在其中；已记录的证据保持关闭，直到您自行申请打开：\n\n{link}"}},
	api.NoticeClock: {[]string{"time", "account"}, false,
		words{"The service’s clock was confirmed in your name", "Somebody said in your name that the service’s clock is right. It is {time} by this clock. The command was given by “{account}” on the service’s machine.\n\nOnce a second person has said so too, everything is deleted that is due by this clock. If it was not you, or if that is not the time, have the service stopped at once."},
		words{"L’heure du service a été confirmée en votre nom", "Quelqu’un a déclaré en votre nom que l’horloge du service est juste. Elle indique {time}. La commande a été donnée par « {account} » sur la machine du service.\n\nDès qu’une seconde personne l’aura déclaré aussi, tout ce qui est échu d’après cette horloge sera supprimé. Si ce n’était pas vous, ou si ce n’est pas l’heure, faites arrêter le service immédiatement."},
		words{"有人以您的名義確認了服務的時間", "有人以您的名義表示服務的時鐘正確。此時鐘的時間為 {time}。該指令由服務主機上的「{account}」執行。\n\n待第二人同樣表示後，依此時鐘到期的一切都將刪除。若非您本人所為，或時間不符，請立即停止服務。"},
		words{"有人以您的名义确认了服务的时间", "有人以您的名义表示服务的时钟正确。此时钟的时间为 {time}。该命令由服务主机上的“{account}”执行。\n\n待第二人同样表示后，按此时钟到期的一切都将删除。若非您本人所为，或时间不符，请立即停止服务。"}},
	api.NoticeUndelivered: {[]string{"subject"}, true,
		words{"A mail could not be delivered", "A mail that was sent for you could not be delivered: “{subject}”. It is not tried again.\n\nSee in the outbox to whom it was addressed and why it failed. If the address is wrong, correct it on the document's page:\n\n{link}"},
		words{"Un message n’a pas pu être remis", "Un message envoyé pour vous n’a pas pu être remis : « {subject} ». Il n’y aura pas d’autre essai.\n\nLa boîte d’envoi indique à qui il était adressé et pourquoi il a échoué. Si l’adresse est fausse, corrigez-la sur la page du document :\n\n{link}"},
		words{"有一封郵件無法送達", "代您寄出的一封郵件無法送達：「{subject}」。系統不會再次嘗試。\n\n請在寄件匣查看收件人及失敗原因。若地址有誤，請在文件頁面更正：\n\n{link}"},
		words{"有一封邮件无法送达", "代您发送的一封邮件无法送达：“{subject}”。系统不会再次尝试。\n\n请在发件箱查看收件人及失败原因。若地址有误，请在文件页面更正：\n\n{link}"}},
}

// Characters of a value, and of what somebody wrote.
const longestValue, longestText = 100, 1000

// write puts the values into the words of a kind.
func write(kind api.NoticeKind, language, link string, values map[string]string) (subject, text string, err error) {
	l, ok := letters[kind]
	if !ok {
		return "", "", fmt.Errorf("mail %q: there are no words for it", kind)
	}
	if l.link != (link != "") {
		return "", "", fmt.Errorf("mail %q: with a link: %v", kind, l.link)
	}
	replace := []string{"{link}", link}
	for _, name := range l.values {
		v, ok := values[name]
		if !ok {
			return "", "", fmt.Errorf("mail %q: no value for %s", kind, name)
		}
		most := longestValue
		if name == "text" {
			most = longestText
		}
		replace = append(replace, "{"+name+"}", tame(v, most))
	}
	w := l.in(language)
	return w.subject, strings.NewReplacer(replace...).Replace(w.body) + "\n", nil
}

// subjectOf is what a kind of mail is called.
func subjectOf(kind api.NoticeKind, language string) (string, error) {
	l, ok := letters[kind]
	if !ok {
		return "", fmt.Errorf("mail %q: there are no words for it", kind)
	}
	return l.in(language).subject, nil
}

// tame makes what somebody chose or wrote harmless in a mail: one short line that
// no mail program turns into a link.
func tame(v string, most int) string {
	v = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, v)
	v = strings.NewReplacer("://", " ", "www.", "www ").Replace(v)
	runes := []rune(strings.Join(strings.Fields(v), " "))
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	return string(runes)
}
