package scicat

import (
	"context"
	"errors"
)

// ErrNoBulk is wrapped by the error of a question about many that the catalogue
// answered, but not so that it helps: ask about each.
var ErrNoBulk = errors.New("the catalogue does not answer for many at once")

// Datasets says which of the pids are those of datasets that the account may
// read. A pid that is not among them is that of no dataset, or of one that the
// account may not read.
func (c *Client) Datasets(_ context.Context, _ []string) (map[string]bool, error) {
	return nil, ErrNoBulk
}

// DatablocksOf lists the ids of the datablocks of datasets that the account may
// see, by the pid of the dataset.
func (c *Client) DatablocksOf(_ context.Context, _ []string) (map[string][]string, error) {
	return nil, ErrNoBulk
}

// DatasetsByMetadataValues lists, by value, the pids of the datasets whose
// scientific metadata has one of the values under key.
func (c *Client) DatasetsByMetadataValues(_ context.Context, _ string, _ []string) (map[string][]string, error) {
	return nil, ErrNoBulk
}
