#include "message.h"
#include "slab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The Go runtime's signals end waiting calls with EINTR: call again. */
#define AGAIN(rc, call) do { (rc) = (call); } while ((rc) < 0 && zmq_errno() == EINTR)

zm_message *zm_new(void)
{
	zm_message *m = calloc(1, sizeof *m);
	if (m) {
		m->parts = m->near;
		m->cap = ZM_INLINE;
	}
	return m;
}

void zm_clear(zm_message *m)
{
	for (int i = 0; i < m->n; i++)
		zmq_msg_close(&m->parts[i]);
	m->n = 0;
	m->size = m->first_size = 0;
	m->first = NULL;
}

void zm_free(zm_message *m)
{
	zm_clear(m);
	if (m->parts != m->near)
		free(m->parts);
	free(m);
}

/* Room for one more part. A small part's bytes lie inside zmq_msg_t, so that parts
   are moved by libzmq, and the first one's address is read again. */
static int grow(zm_message *m)
{
	if (m->n < m->cap)
		return 0;
	zmq_msg_t *parts = malloc(2 * m->cap * sizeof *parts);
	if (!parts)
		return ENOMEM;
	for (int i = 0; i < m->n; i++) {
		zmq_msg_init(&parts[i]);
		zmq_msg_move(&parts[i], &m->parts[i]);
		zmq_msg_close(&m->parts[i]);
	}
	if (m->parts != m->near)
		free(m->parts);
	m->parts = parts;
	m->cap *= 2;
	m->first = zmq_msg_data(&parts[0]);
	return 0;
}

/* The part at m->n is filled: count it. */
static void added(zm_message *m)
{
	zmq_msg_t *p = &m->parts[m->n];
	if (m->n++ == 0) {
		m->first = zmq_msg_data(p);
		m->first_size = zmq_msg_size(p);
	}
	m->size += zmq_msg_size(p);
}

void *zm_part(zm_message *m, int i, size_t *size)
{
	*size = zmq_msg_size(&m->parts[i]);
	return zmq_msg_data(&m->parts[i]);
}

int zm_append(zm_message *m, const char *b, size_t n)
{
	int rc = grow(m);
	if (rc)
		return rc;
	if (zmq_msg_init_size(&m->parts[m->n], n) < 0)
		return zmq_errno();
	if (n)
		memcpy(zmq_msg_data(&m->parts[m->n]), b, n);
	added(m);
	return 0;
}

static int append_all(zm_message *to, zm_message *from, int (*how)(zmq_msg_t *, zmq_msg_t *))
{
	for (int i = 0; i < from->n; i++) {
		int rc = grow(to);
		if (rc)
			return rc;
		zmq_msg_init(&to->parts[to->n]);
		if (how(&to->parts[to->n], &from->parts[i]) < 0) {
			rc = zmq_errno();
			zmq_msg_close(&to->parts[to->n]);
			return rc;
		}
		added(to);
	}
	return 0;
}

int zm_take(zm_message *to, zm_message *from)
{
	int rc = append_all(to, from, zmq_msg_move);
	zm_clear(from);
	return rc;
}

int zm_share(zm_message *to, zm_message *from)
{
	int rc = append_all(to, from, zmq_msg_copy);
	/* Sharing may move the source's bytes to the heap's side of a part. */
	if (from->n)
		from->first = zmq_msg_data(&from->parts[0]);
	return rc;
}

static int receive_one(void *socket, zm_message *m)
{
	for (int more = 1; more;) {
		int rc = grow(m);
		if (rc)
			return rc;
		zmq_msg_t *p = &m->parts[m->n];
		zmq_msg_init(p);
		/* All parts of a message arrive together: only the first can be missing. */
		AGAIN(rc, zmq_msg_recv(p, socket, m->n ? 0 : ZMQ_DONTWAIT));
		if (rc < 0) {
			rc = zmq_errno();
			zmq_msg_close(p);
			return rc;
		}
		more = zmq_msg_more(p);
		added(m);
	}
	return 0;
}

int zm_receive(void *socket, const uintptr_t *into, int max, size_t enough, int *err)
{
	size_t have = 0;
	*err = 0;
	for (int i = 0; i < max; i++) {
		zm_message *m = (zm_message *)into[i];
		int rc = receive_one(socket, m);
		if (rc) {
			if (rc != EAGAIN)
				*err = rc;
			return i;
		}
		have += m->size;
		if (have >= enough)
			return i + 1;
	}
	return max;
}

/* The parts from the first on. After the first has gone, libzmq takes the others
   without fail: the message is one to it. */
static int send_parts(void *socket, zm_message *m, int keep, int first_flags)
{
	for (int i = 0; i < m->n; i++) {
		int rc, flags = (i < m->n - 1 ? ZMQ_SNDMORE : 0) | (i ? 0 : first_flags);
		zmq_msg_t shared, *p = &m->parts[i];
		if (keep) {
			zmq_msg_init(&shared);
			zmq_msg_copy(&shared, p);
			p = &shared;
		}
		AGAIN(rc, zmq_msg_send(p, socket, flags));
		if (rc < 0) {
			rc = zmq_errno();
			if (keep)
				zmq_msg_close(&shared);
			return rc;
		}
	}
	if (keep) {
		if (m->n)
			m->first = zmq_msg_data(&m->parts[0]);
	} else {
		zm_clear(m);
	}
	return 0;
}

int zm_send(void *socket, zm_message *m)
{
	return send_parts(socket, m, 0, ZMQ_DONTWAIT);
}

int zm_send_to(void *socket, struct zm_slabs *slabs, struct zm_outlet *outlet, const char *id, size_t id_n,
	const char *header, size_t header_n, zm_message *m, int keep)
{
	int rc;
	AGAIN(rc, zmq_send(socket, id, id_n, ZMQ_SNDMORE | ZMQ_DONTWAIT));
	if (rc < 0)
		return zmq_errno();
	zmq_msg_t h;
	rc = zm_slabs_message(slabs, &h, header, header_n, outlet);
	if (rc)
		return rc;
	AGAIN(rc, zmq_msg_send(&h, socket, m->n ? ZMQ_SNDMORE : 0));
	if (rc < 0) {
		rc = zmq_errno();
		zmq_msg_close(&h);
		return rc;
	}
	return send_parts(socket, m, keep, 0);
}

int zm_send_bytes(void *socket, const char *b, size_t n, int flags)
{
	int rc;
	AGAIN(rc, zmq_send(socket, b, n, flags));
	return rc < 0 ? zmq_errno() : 0;
}

int zm_receive_part(void *socket, zm_message *m, int *more)
{
	int rc = grow(m);
	if (rc)
		return rc;
	zmq_msg_t *p = &m->parts[m->n];
	zmq_msg_init(p);
	AGAIN(rc, zmq_msg_recv(p, socket, 0));
	if (rc < 0) {
		rc = zmq_errno();
		zmq_msg_close(p);
		return rc;
	}
	*more = zmq_msg_more(p);
	added(m);
	return 0;
}

int zm_events(void *socket, int *events)
{
	size_t n = sizeof *events;
	int rc;
	AGAIN(rc, zmq_getsockopt(socket, ZMQ_EVENTS, events, &n));
	return rc < 0 ? zmq_errno() : 0;
}
