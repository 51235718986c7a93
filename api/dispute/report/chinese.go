package report

import (
	"inkwitness/api/dispute"
	"inkwitness/biometrics"
	"inkwitness/capture"
	"inkwitness/evidence"
)

var traditional = words{
	title: "爭議簽名報告", reference: "案件", state: "案件狀態", begun: "案件建立",
	question: "問題", parties: "當事人陳述", summary: "結果摘要",
	notCompared: "此案件未進行比對。",
	meaning:     "概似比表示一種解釋比另一種解釋更符合檢驗結果的程度。它不是某人簽署的機率：後者還取決於案件的其他所有證據。",
	drawings:    "簽名", drawingNote: "全部以相同比例繪製，線寬依壓力。空中移動未繪出。",
	closed: "製作報告時無法讀取，故未繪出。", curves: "曲線", solid: "實線：", dashed: "虛線：", pressure: "壓力", speed: "速度",
	comparison: "比對", comparedAt: "於 %s 與參考簽名 %s 比對。", removed: "（已移除）",
	ratio: "概似比（10 的次方）", interval: "%s（95 %% 區間 %s 至 %s）", threshold: "閾值（10 的次方）", between: "低於 %s，高於 %s：%s",
	score: "校準前分數", model: "模型", calibration: "校準", same: "第一種解釋", different: "第二種解釋",
	hypothesisSame:      "參考簽名的書寫者以其慣常方式書寫了待鑑定簽名。",
	hypothesisDifferent: "另一人經練習模仿參考簽名的書寫者後，書寫了待鑑定簽名。",
	clamped:             "分數超出校準所見的範圍；概似比保持在其端點。",
	uncalibrated:        "此類裝置沒有校準資料：數值僅供粗略參考。",
	noSupport:           "檢驗結果不支持任何一方。",
	supportSame:         "檢驗結果%s支持由參考簽名的書寫者簽署，而非他人。",
	supportDifferent:    "檢驗結果%s支持由他人簽署，而非參考簽名的書寫者。",
	strengths:           map[string]string{"weak": "微弱", "moderate": "中度", "moderately-strong": "中強度", "strong": "強烈", "very-strong": "非常強烈", "extremely-strong": "極為強烈"},
	outcomes:            map[biometrics.Outcome]string{biometrics.Accept: "高於閾值", biometrics.Reject: "低於閾值", biometrics.Inconclusive: "無法判定"},
	feature:             "特徵", value: "待鑑定", mean: "參考平均", spread: "離散", featureNote: "z =（待鑑定 - 平均）／離散。離散為參考簽名者，向母體收縮。",
	quality: "資料品質", signature: "簽名", tool: "工具", points: "樣本數", rate: "採樣率（Hz）", gap: "最長間隔（毫秒）", levels: "壓力級數", scale: "比例", metric: "實際", nominal: "名義", unknown: "未知",
	tools:   map[capture.PointerType]string{capture.Pen: "觸控筆", capture.Touch: "手指", capture.Mouse: "滑鼠", capture.Unknown: "未知"},
	origins: "來源與雜湊", part: "於本案", parts: map[dispute.Part]string{dispute.Questioned: "待鑑定", dispute.Reference: "參考"}, origin: "來自",
	originsOf: map[dispute.Origin]string{dispute.FromDeposit: "由本服務記錄", dispute.FromContainer: "以檔案加入的寄存憑證", dispute.FromFile: "以檔案加入的匯出簽名"},
	document:  "文件", person: "姓名", file: "檔案", note: "來源說明", signed: "簽署時間（依來源）", added: "加入案件時間", notes: "鑑定人註記",
	statuses: map[evidence.Status]string{evidence.Fails: "不成立", evidence.Unknown: "待定", evidence.Holds: "成立"}, verified: "加入時對寄存憑證的驗證：%d／%d 項成立。",
	custody: "保管鏈", line: "編號", when: "時間", what: "事項", who: "人員", hash: "雜湊",
	custodyNote: "每一行均含其自身與先前各行的雜湊。列至案件最後變更為止；其後的讀取、匯出與報告見服務記錄。",
	limits:      "本報告未主張者",
	limitLines: []string{
		"本報告不說明由誰簽署。它衡量兩種解釋；裁決者亦知悉案件其他部分。",
		"熟練的模仿、疾病、年齡、不同的筆或表面均可使真實簽名異於參考，且第二種解釋僅考慮一類偽造者。",
		"區間涵蓋校準所用人員的選擇，未涵蓋本案與其可能的一切差異。",
		"裝置未提供比例時，長度為名義值；裝置亦可能於記錄前平滑或遺漏樣本。",
		"以檔案加入者僅證明檔案內容，不證明其如何製作，除非其寄存憑證經驗證。",
	},
}

var simplified = words{
	title: "争议签名报告", reference: "案件", state: "案件状态", begun: "案件创建",
	question: "问题", parties: "当事人陈述", summary: "结果摘要",
	notCompared: "此案件未进行比对。",
	meaning:     "概似比表示一种解释比另一种解释更符合检验结果的程度。它不是某人签署的概率：后者还取决于案件的其他所有证据。",
	drawings:    "签名", drawingNote: "全部以相同比例绘制，线宽依压力。空中移动未绘出。",
	closed: "制作报告时无法读取，故未绘出。", curves: "曲线", solid: "实线：", dashed: "虚线：", pressure: "压力", speed: "速度",
	comparison: "比对", comparedAt: "于 %s 与参考签名 %s 比对。", removed: "（已移除）",
	ratio: "概似比（10 的次方）", interval: "%s（95 %% 区间 %s 至 %s）", threshold: "阈值（10 的次方）", between: "低于 %s，高于 %s：%s",
	score: "校准前分数", model: "模型", calibration: "校准", same: "第一种解释", different: "第二种解释",
	hypothesisSame:      "参考签名的书写者以其惯常方式书写了待鉴定签名。",
	hypothesisDifferent: "另一人经练习模仿参考签名的书写者后，书写了待鉴定签名。",
	clamped:             "分数超出校准所见的范围；概似比保持在其端点。",
	uncalibrated:        "此类设备没有校准数据：数值仅供粗略参考。",
	noSupport:           "检验结果不支持任何一方。",
	supportSame:         "检验结果%s支持由参考签名的书写者签署，而非他人。",
	supportDifferent:    "检验结果%s支持由他人签署，而非参考签名的书写者。",
	strengths:           map[string]string{"weak": "微弱", "moderate": "中度", "moderately-strong": "中强度", "strong": "强烈", "very-strong": "非常强烈", "extremely-strong": "极为强烈"},
	outcomes:            map[biometrics.Outcome]string{biometrics.Accept: "高于阈值", biometrics.Reject: "低于阈值", biometrics.Inconclusive: "无法判定"},
	feature:             "特征", value: "待鉴定", mean: "参考平均", spread: "离散", featureNote: "z =（待鉴定 - 平均）／离散。离散为参考签名者，向母体收缩。",
	quality: "数据品质", signature: "签名", tool: "工具", points: "样本数", rate: "采样率（Hz）", gap: "最长间隔（毫秒）", levels: "压力级数", scale: "比例", metric: "实际", nominal: "名义", unknown: "未知",
	tools:   map[capture.PointerType]string{capture.Pen: "触摸笔", capture.Touch: "手指", capture.Mouse: "鼠标", capture.Unknown: "未知"},
	origins: "来源与哈希", part: "于本案", parts: map[dispute.Part]string{dispute.Questioned: "待鉴定", dispute.Reference: "参考"}, origin: "来自",
	originsOf: map[dispute.Origin]string{dispute.FromDeposit: "由本服务记录", dispute.FromContainer: "以档案加入的寄存凭证", dispute.FromFile: "以档案加入的导出签名"},
	document:  "文档", person: "姓名", file: "档案", note: "来源说明", signed: "签署时间（依来源）", added: "加入案件时间", notes: "鉴定人注记",
	statuses: map[evidence.Status]string{evidence.Fails: "不成立", evidence.Unknown: "待定", evidence.Holds: "成立"}, verified: "加入时对寄存凭证的验证：%d／%d 项成立。",
	custody: "保管链", line: "编号", when: "时间", what: "事项", who: "人员", hash: "哈希",
	custodyNote: "每一行均含其自身与先前各行的哈希。列至案件最后变更为止；其后的读取、导出与报告见服务记录。",
	limits:      "本报告未主张者",
	limitLines: []string{
		"本报告不说明由谁签署。它衡量两种解释；裁决者亦知悉案件其他部分。",
		"熟练的模仿、疾病、年龄、不同的笔或表面均可使真实签名异于参考，且第二种解释仅考虑一类伪造者。",
		"区间涵盖校准所用人员的选择，未涵盖本案与其可能的一切差异。",
		"设备未提供比例时，长度为名义值；设备亦可能于记录前平滑或遗漏样本。",
		"以档案加入者仅证明档案内容，不证明其如何制作，除非其寄存凭证经验证。",
	},
}
