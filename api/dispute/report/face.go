package report

import (
	"fmt"

	"inkwitness/biometrics"
	"inkwitness/evidence/pdf/page"
)

// facePhrases are what is said of the face in the video, in one language.
type facePhrases struct {
	title, apart, enrolled, likeness, lowest, steady, threshold, frames, enrolledAt, model string

	reasons map[string]string // by code of the finding
}

var faceTexts = map[string]facePhrases{
	"en": {
		title:      "Face in the video",
		apart:      "A finding of its own: nothing of it is part of the comparison of the signatures.",
		enrolled:   "This was the first video of this signer that could be used: a still of it was kept for later ones, and there was none to compare with.",
		likeness:   "Likeness to the enrolled still (1: the same picture)",
		lowest:     "Least likeness of any frame",
		steady:     "Least likeness to the first frame",
		threshold:  "The model’s maker speaks of one person from",
		frames:     "Frames compared",
		enrolledAt: "Still enrolled",
		model:      "Model, SHA-256",
		reasons: map[string]string{
			"no-model":         "Not available: the service was given no model to compare faces with.",
			"no-picture":       "Not available: no picture of the video could be read.",
			"no-clear-face":    "Not available: no picture of the video shows one face clearly enough to be kept.",
			"no-face":          "Not available: no face was found in the pictures.",
			"still-unreadable": "Not available: the enrolled still cannot be read.",
			"model-failed":     "Not available: the model failed on these pictures.",
		},
	},
	"fr": {
		title:      "Visage dans la vidéo",
		apart:      "Un constat à part : rien n’en entre dans la comparaison des signatures.",
		enrolled:   "C’était la première vidéo utilisable de ce signataire : une image en a été gardée pour les suivantes, et il n’y en avait aucune à laquelle la comparer.",
		likeness:   "Ressemblance avec l’image enregistrée (1 : la même image)",
		lowest:     "Plus faible ressemblance d’une image",
		steady:     "Plus faible ressemblance avec la première image",
		threshold:  "L’auteur du modèle parle d’une même personne à partir de",
		frames:     "Images comparées",
		enrolledAt: "Image enregistrée le",
		model:      "Modèle, SHA-256",
		reasons: map[string]string{
			"no-model":         "Indisponible : le service n’a reçu aucun modèle pour comparer les visages.",
			"no-picture":       "Indisponible : aucune image de la vidéo n’a pu être lue.",
			"no-clear-face":    "Indisponible : aucune image de la vidéo ne montre un seul visage assez nettement pour être gardée.",
			"no-face":          "Indisponible : aucun visage n’a été trouvé dans les images.",
			"still-unreadable": "Indisponible : l’image enregistrée ne peut pas être lue.",
			"model-failed":     "Indisponible : le modèle a échoué sur ces images.",
		},
	},
	"zh-Hant": {
		title:      "影片中的臉部",
		apart:      "這是一項獨立的結果，不計入簽名的比對。",
		enrolled:   "這是該簽署人第一段可用的影片：已留存其中一張畫面供日後比對，此前沒有可供比對的畫面。",
		likeness:   "與留存畫面的相似度（1 為同一畫面）",
		lowest:     "各畫面中的最低相似度",
		steady:     "與首個畫面的最低相似度",
		threshold:  "模型作者認為是同一人的起點",
		frames:     "已比對的畫面數",
		enrolledAt: "留存時間",
		model:      "模型，SHA-256",
		reasons: map[string]string{
			"no-model":         "無法提供：本服務未設定比對臉部的模型。",
			"no-picture":       "無法提供：影片中沒有可讀取的畫面。",
			"no-clear-face":    "無法提供：影片中沒有一張畫面足夠清楚地只顯示一張臉孔。",
			"no-face":          "無法提供：畫面中未找到臉孔。",
			"still-unreadable": "無法提供：留存的畫面無法讀取。",
			"model-failed":     "無法提供：模型處理這些畫面時失敗。",
		},
	},
	"zh-Hans": {
		title:      "视频中的面部",
		apart:      "这是一项独立的结果，不计入签名的比对。",
		enrolled:   "这是该签署人第一段可用的视频：已留存其中一张画面供日后比对，此前没有可供比对的画面。",
		likeness:   "与留存画面的相似度（1 为同一画面）",
		lowest:     "各画面中的最低相似度",
		steady:     "与首个画面的最低相似度",
		threshold:  "模型作者认为是同一人的起点",
		frames:     "已比对的画面数",
		enrolledAt: "留存时间",
		model:      "模型，SHA-256",
		reasons: map[string]string{
			"no-model":         "不可用：本服务未配置比对面部的模型。",
			"no-picture":       "不可用：视频中没有可读取的画面。",
			"no-clear-face":    "不可用：视频中没有一张画面足够清楚地只显示一张面孔。",
			"no-face":          "不可用：画面中未找到面孔。",
			"still-unreadable": "不可用：留存的画面无法读取。",
			"model-failed":     "不可用：模型处理这些画面时失败。",
		},
	},
}

// faces gives what was found of the faces in the videos: findings of their own,
// after the comparison and no part of it.
func (r *writer) faces() {
	t, headed := faceTexts[r.Language], false
	for _, i := range r.Case.Items {
		if i.Face == nil {
			continue
		}
		if !headed {
			r.d.Heading(2, t.title)
			r.d.Paragraph(t.apart)
			headed = true
		}
		r.d.Heading(3, i.Label)
		r.face(t, i.Face)
	}
}

func (r *writer) face(t facePhrases, f *biometrics.FaceFinding) {
	switch {
	case f.Outcome == biometrics.FaceEnrolled:
		r.d.Paragraph(t.enrolled)
		return
	case f.Score == nil:
		reason := t.reasons[f.Code]
		if reason == "" {
			reason = f.Reason
		}
		r.d.Paragraph(reason)
		return
	}
	rows := [][]string{
		{t.likeness, number(f.Score.Likeness, 3)}, {t.lowest, number(f.Score.Lowest, 3)}, {t.steady, number(f.Score.Steady, 3)},
		{t.frames, fmt.Sprint(f.Score.Frames)}, {t.model, f.Score.Model},
	}
	if f.Score.Threshold != nil {
		rows = append(rows, []string{t.threshold, number(*f.Score.Threshold, 3)})
	}
	if f.EnrolledAt != nil {
		rows = append(rows, []string{t.enrolledAt, stamp(*f.EnrolledAt)})
	}
	r.d.Table(page.Table{Widths: []float64{2, 3}, Rows: rows})
}
