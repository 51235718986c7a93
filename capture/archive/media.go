package archive

import (
	"inkwitness/capture"
	"inkwitness/capture/record"
)

func mediaFiles(rec *record.Recording, points []capture.Point, facts Facts) ([]File, error) {
	return nil, nil
}
