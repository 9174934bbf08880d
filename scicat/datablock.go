package scicat

import (
	"context"
	"errors"
	"net/http"

	"ingestor/internal/fault"
)

// Datablock is the body of a new origdatablock: the files of a dataset. The
// catalogue takes the groups from the dataset, whatever is sent.
type Datablock struct {
	DatasetID    string     `json:"datasetId"`
	Size         int64      `json:"size"` // bytes of all files
	ChkAlg       string     `json:"chkAlg,omitempty"`
	DataFileList []DataFile `json:"dataFileList"`
	OwnerGroup   any        `json:"ownerGroup,omitempty"`
	AccessGroups any        `json:"accessGroups,omitempty"`
}

// DataFile is one file; what is not known is null, and sent as such.
type DataFile struct {
	Path string  `json:"path"`
	Size *int64  `json:"size"` // bytes
	Time string  `json:"time"` // ISO 8601
	Chk  *string `json:"chk"`  // hex digest by the datablock's ChkAlg
	UID  *string `json:"uid"`
	GID  *string `json:"gid"`
	Perm *string `json:"perm"`
}

// Encode is the body as it is sent.
func (b Datablock) Encode() ([]byte, error) {
	if b.DataFileList == nil {
		b.DataFileList = []DataFile{}
	}
	return encode("datablock", b)
}

// Datablocks lists the ids of a dataset's datablocks; one that comes without an
// id is listed as "". It asks below the dataset, where the backend refuses what
// the account may not see instead of leaving it out: errors.Is(err,
// ErrUnreadable) then, provided that the token is good. A missing dataset is an
// *APIError of status 404.
func (c *Client) Datablocks(ctx context.Context, pid string) ([]string, error) {
	if pid == "" {
		return nil, fault.Errorf(fault.BadInput, "catalogue: there is no dataset with an empty pid")
	}
	u := c.addr.endpoint("datasets", pid)
	setPath(u, u.EscapedPath()+"/origdatablocks")
	ids, err := c.list(ctx, request{method: http.MethodGet, url: u}, false, "_id", "id")
	var e *APIError
	if errors.As(err, &e) && e.Status == http.StatusForbidden && !errors.Is(err, errTokenRejected) {
		return nil, fault.Errorf(fault.NotPermitted, "%w: %w", ErrUnreadable, e)
	}
	return ids, err
}

// CreateDatablock attaches files to a dataset and gives the id of the new
// datablock, "" when the catalogue does not tell. The catalogue takes the same
// datablock twice, so after an attempt with an unknown outcome landed is asked
// before another one is made; nil stands for: has the dataset any.
func (c *Client) CreateDatablock(ctx context.Context, b Datablock, landed Landed) (string, error) {
	body, err := b.Encode()
	if err != nil {
		return "", err
	}
	if err := checkSize("datablock", body); err != nil {
		return "", err
	}
	found := ""
	if landed == nil {
		landed = func(ctx context.Context) (bool, error) {
			ids, err := c.Datablocks(ctx, b.DatasetID)
			if len(ids) > 0 {
				found = ids[0]
			}
			return len(ids) > 0, err
		}
	}
	// Not the endpoint below the dataset: that one loses updates of the sums
	// when several blocks are added at once (scicat-api.md fact 9).
	r := request{method: http.MethodPost, url: c.addr.endpoint("origdatablocks"), body: body}
	rep, err := c.post(ctx, r, false, landed)
	switch {
	case err != nil:
		return "", err
	case rep == nil:
		return found, nil
	}
	return idOf(rep, "_id", "id"), nil
}
