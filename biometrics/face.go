package biometrics

import "time"

// FaceOutcome says how far a face was compared.
type FaceOutcome string

// The outcomes of FaceFinding.
const (
	FaceCompared    FaceOutcome = "compared"    // there is a likeness
	FaceEnrolled    FaceOutcome = "enrolled"    // nothing to compare with yet: a still of this video is kept for later ones
	FaceUnavailable FaceOutcome = "unavailable" // Reason says why
)

// Why a face was not compared.
const (
	FaceNoModel   = "no-model"
	FaceNoPicture = "no-picture"
	FaceNotClear  = "no-clear-face"
	FaceNoFace    = "no-face"
	FaceBadStill  = "still-unreadable"
	FaceFailed    = "model-failed"
)

// FaceFinding is what was found about the face in a selfie video. It is a
// second, separate finding: nothing of it goes into a Comparison.
type FaceFinding struct {
	Outcome    FaceOutcome `json:"outcome"`
	Code       string      `json:"code,omitempty"`       // why there is none, see FaceNoModel
	Reason     string      `json:"reason,omitempty"`     // the same as a plain sentence
	EnrolledAt *time.Time  `json:"enrolledAt,omitempty"` // when the still was made
	Score      *FaceScore  `json:"score,omitempty"`
}

// FaceScore is the likeness of the face in a video to an enrolled still: the
// cosine of the angle between what the operator's model makes of them, 1 for the
// same picture.
type FaceScore struct {
	Likeness  float64  `json:"likeness"`            // of the median frame
	Lowest    float64  `json:"lowest"`              // of the frame least like the still
	Steady    float64  `json:"steady"`              // lowest likeness of any frame to the first: another person later in the video
	Frames    int      `json:"frames"`              // compared
	Threshold *float64 `json:"threshold,omitempty"` // what the model's maker calls the same person
	Model     string   `json:"model"`               // SHA-256 of the model file
}
