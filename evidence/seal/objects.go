package seal

import "inkwitness/evidence"

// Objects lists the stored objects that a kept state refers to, of a signature
// or of a deposit in the making. As long as the state is kept they must stay.
func Objects(kept []byte) ([]evidence.Object, error) {
	var st struct {
		Current   *evidence.Object `json:"current"` // of a signature
		Document  *evidence.Object `json:"document"`
		Blank     *evidence.Object `json:"blank"`
		Parts     []part           `json:"parts"`
		Container *evidence.Object `json:"container"`
	}
	if err := restore(kept, &st); err != nil {
		return nil, err
	}
	var all []evidence.Object
	for _, o := range []*evidence.Object{st.Current, st.Document, st.Blank, st.Container} {
		if o != nil && o.Key != "" {
			all = append(all, *o)
		}
	}
	for _, p := range st.Parts {
		all = append(all, p.Object)
	}
	return all, nil
}
