package configs

import "time"

// SciCat says how the catalogue is reached.
type SciCat struct {
	Host               string // base address, http or https
	Token              Secret // already read from TokenFile or a credential where one is given
	TokenFile          string // where Token came from, to be read again when it changes; "" when from a key
	Username           string // log in instead of using a token, which is empty then; "" = no login
	Password           Secret // already read from PasswordFile or a credential where one is given
	PasswordFile       string // where Password came from, like TokenFile
	AdditionalHeaders  map[string]string
	Timeout            time.Duration // of one call; never 0
	Stream             bool          // accepted, without effect, as with the peer
	Verify             bool          // accepted; false only warns, certificates stay verified (D17)
	CAFile             string        // PEM, besides the system's authorities
	InsecureSkipVerify bool
	MaxRetries         int
	RetryDelay         time.Duration
	RetryMaxDelay      time.Duration
	HealthEndpoint     string // absolute address, or relative to Host
	APIEndpoints       APIEndpoints
}

// defaultTimeout stands for the peer's default of 0, with which it cannot work (D16).
const defaultTimeout = 90 * time.Second

func (s *SciCat) keys() []key {
	return []key{
		{path: "scicat.host", value: address(&s.Host), standard: "https://scicat.host", sample: "https://scicat.example.org/api/v3",
			doc: "Address of the catalogue's API, with its /api/v3."},
		{path: "scicat.token", value: secret(&s.Token),
			doc: "Token of the ingestor's account. Better kept out of this file: in token_file, in INGESTOR_SCICAT_TOKEN, or as the systemd credential scicat.token."},
		{path: "scicat.token_file", value: text(&s.TokenFile),
			doc: "File that holds the token; wins over token, and is read again when it changes. Without both, the systemd credential scicat.token is used if there is one."},
		{path: "scicat.username", value: text(&s.Username),
			doc: "Log in as this user instead of using a token; the token that the catalogue then gives is renewed in time. Needs a password."},
		{path: "scicat.password", value: secret(&s.Password),
			doc: "Its password. Better kept out of this file: in password_file, in INGESTOR_SCICAT_PASSWORD, or as the systemd credential scicat.password."},
		{path: "scicat.password_file", value: text(&s.PasswordFile),
			doc: "File that holds the password; wins over password, and is read again when it changes. Without both, the systemd credential scicat.password is used if there is one."},
		{path: "scicat.additional_headers", value: secretMapping(&s.AdditionalHeaders),
			doc: "Further HTTP headers of each request, name: value. Authorization is always the token's. As a flag: name=value, repeated."},
		{path: "scicat.timeout", value: timeout(&s.Timeout), standard: "90s", unit: seconds,
			doc: "Limit for one call. 0 means 90 s."},
		{path: "scicat.stream", value: boolean(&s.Stream), standard: "true",
			doc: "Accepted for compatibility, without effect."},
		{path: "scicat.verify", value: boolean(&s.Verify), standard: "false", sample: "true",
			doc: "Accepted for compatibility, without effect: certificates are always verified, and false only gives a warning. See insecure_skip_verify."},
		{path: "scicat.ca_file", value: text(&s.CAFile),
			doc: "Certificates (PEM) of authorities to trust besides the system's."},
		{path: "scicat.insecure_skip_verify", value: boolean(&s.InsecureSkipVerify), standard: "false",
			doc: "true: really do not verify the catalogue's certificate. Anybody in between can then read the token."},
		{path: "scicat.max_retries", value: number(&s.MaxRetries, 0, 1_000), standard: "5",
			doc: "How often one call is repeated when the catalogue does not answer or answers that it is busy, before the attempt ends as unavailable."},
		{path: "scicat.retry_delay", value: duration(&s.RetryDelay, 0), standard: "500ms", unit: seconds,
			doc: "First pause between two such calls; it doubles each time, with some jitter. The catalogue's Retry-After counts instead when it is longer."},
		{path: "scicat.retry_max_delay", value: duration(&s.RetryMaxDelay, 0), standard: "30s", unit: seconds,
			doc: "Longest pause between two such calls."},
		{path: "scicat.health_endpoint", value: text(&s.HealthEndpoint), standard: "health",
			doc: "Where the health check asks whether the catalogue works: a path below host, or a whole address."},
	}
}
