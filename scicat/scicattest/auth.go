package scicattest

import (
	"net/http"
	"time"
)

func (s *Server) health(*call) answer {
	up := Document{"mongodb": Document{"status": "up"}}
	return ok(Document{"status": "ok", "info": up, "error": Document{}, "details": up})
}

func (s *Server) login(c *call) answer {
	name, _ := c.object()["username"].(string)
	password, _ := c.object()["password"].(string)
	for _, a := range s.users {
		if a.Name != name || a.Password == "" || a.Password != password {
			continue
		}
		now := s.opt.Now()
		token := s.sign(a, now.Add(s.opt.TokenLife))
		seconds := int(s.opt.TokenLife / time.Second)
		return created(Document{
			"access_token": token, "id": token, "expires_in": seconds, "ttl": seconds,
			"created": stamp(now), "userId": a.id, "user": a.public(),
		})
	}
	return bareException(http.StatusUnauthorized, "Unauthorized")
}

// whoami answers everybody, and an anonymous one with nothing.
func (s *Server) whoami(c *call) answer {
	if c.user == nil {
		return ok(nothing{})
	}
	groups := []any{}
	for _, g := range c.user.groups() {
		groups = append(groups, g)
	}
	return ok(Document{
		"_id": c.user.id, "username": c.user.Name, "email": c.user.Email,
		"currentGroups": groups, "authStrategy": "local",
	})
}

func (s *Server) self(c *call) answer {
	if c.user == nil {
		return unauthenticated()
	}
	return ok(c.user.public())
}

func (s *Server) ownToken(c *call) answer {
	if c.user == nil {
		return unauthenticated()
	}
	return created(Document{"jwt": s.sign(c.user, s.opt.Now().Add(s.opt.TokenLife))})
}

// tokenFor is how an administrator makes a token that does not end.
func (s *Server) tokenFor(c *call) answer {
	if !s.admin(c.user) {
		return forbidden()
	}
	for _, a := range s.users {
		if a.id == c.params[0] {
			return created(Document{"jwt": s.sign(a, s.opt.Now().AddDate(100, 0, 0))})
		}
	}
	return notFound()
}

func (s *Server) canCreate(c *call) answer {
	if c.user == nil {
		return unauthenticated()
	}
	for _, a := range s.users {
		if a.id == c.params[0] {
			return ok(Document{"authorization": s.mayCreate(a)})
		}
	}
	return notFound()
}
