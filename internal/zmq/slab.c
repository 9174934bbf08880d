/* Memory for headers.

   A header is made by the sending thread and freed by an I/O thread. The system's
   allocator takes a lock for that, which both threads then fight for at some hundred
   thousand messages a second. So headers lie one behind the other in slabs, and an
   I/O thread only counts down.

   That an I/O thread frees a header also tells that it has taken all messages before
   this one out of the peer's pipe: an outlet counts them, so that what waits in the
   pipe is known in bytes. */
#include "slab.h"
#include "message.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLAB_SIZE (64 << 10)
/* Slabs that are kept for use again; more are freed as they come back. */
#define SLABS_KEPT 16

struct slab {
	atomic_uint users; /* the messages in it, and the sender while it fills it */
	struct slab *next;
	struct zm_slabs *owner;
	size_t used;
	_Alignas(16) char bytes[SLAB_SIZE];
};

struct zm_slabs {
	struct slab *filling;
	_Atomic(struct slab *) back; /* emptied by I/O threads, in no order */
	struct slab *kept;
	unsigned kept_n;
};

struct zm_outlet {
	atomic_ulong taken;
	atomic_int wanted; /* somebody waits for the next */
	int fd;            /* and is woken here */
};

/* In front of each header's bytes. */
struct place {
	struct slab *slab; /* NULL: it stands alone */
	struct zm_outlet *outlet;
	char bytes[];
};

struct zm_outlet *zm_outlet_new(int fd)
{
	struct zm_outlet *o = calloc(1, sizeof *o);
	if (o)
		o->fd = fd;
	return o;
}

void zm_outlet_free(struct zm_outlet *o)
{
	free(o);
}

unsigned long zm_outlet_taken(struct zm_outlet *o)
{
	return atomic_load_explicit(&o->taken, memory_order_acquire);
}

void zm_outlet_want(struct zm_outlet *o)
{
	atomic_store(&o->wanted, 1);
}

static void drop_slab(struct slab *b);

/* Called by an I/O thread when it is done with a header. */
static void taken(void *data, void *hint)
{
	struct place *p = hint;
	struct slab *b = p->slab;
	struct zm_outlet *o = p->outlet;
	(void)data;
	if (o) {
		atomic_fetch_add(&o->taken, 1);
		if (atomic_load(&o->wanted) && atomic_exchange(&o->wanted, 0)) {
			uint64_t one = 1;
			ssize_t n = write(o->fd, &one, sizeof one);
			(void)n; /* full means awake already */
		}
	}
	if (b)
		drop_slab(b);
	else
		free(p);
}

/* Drops one user; the last hands the slab back to the sender. */
static void drop_slab(struct slab *b)
{
	if (atomic_fetch_sub_explicit(&b->users, 1, memory_order_acq_rel) != 1)
		return;
	struct slab *head = atomic_load_explicit(&b->owner->back, memory_order_relaxed);
	do
		b->next = head;
	while (!atomic_compare_exchange_weak_explicit(&b->owner->back, &head, b,
		memory_order_release, memory_order_relaxed));
}

struct zm_slabs *zm_slabs_new(void)
{
	return calloc(1, sizeof(struct zm_slabs));
}

/* Takes in what the I/O threads gave back. */
static void collect(struct zm_slabs *s)
{
	struct slab *b = atomic_exchange_explicit(&s->back, NULL, memory_order_acquire);
	while (b) {
		struct slab *next = b->next;
		if (s->kept_n < SLABS_KEPT) {
			b->next = s->kept;
			s->kept = b;
			s->kept_n++;
		} else {
			free(b);
		}
		b = next;
	}
}

static int fresh(struct zm_slabs *s)
{
	if (s->filling) {
		drop_slab(s->filling);
		s->filling = NULL;
	}
	if (!s->kept)
		collect(s);
	struct slab *b = s->kept;
	if (b) {
		s->kept = b->next;
		s->kept_n--;
	} else {
		b = malloc(sizeof *b);
		if (!b)
			return ENOMEM;
		b->owner = s;
	}
	atomic_store_explicit(&b->users, 1, memory_order_relaxed);
	b->used = 0;
	s->filling = b;
	return 0;
}

int zm_slabs_message(struct zm_slabs *s, zmq_msg_t *m, const void *b, size_t n, struct zm_outlet *o)
{
	/* The place is aligned for the pointers in it. */
	size_t size = (sizeof(struct place) + n + 15) & ~(size_t)15;
	struct place *p;
	if (size > SLAB_SIZE / 8) { /* rare, and no use to share */
		p = malloc(size);
		if (!p)
			return ENOMEM;
		p->slab = NULL;
	} else {
		if (!s->filling || SLAB_SIZE - s->filling->used < size) {
			int rc = fresh(s);
			if (rc)
				return rc;
		}
		p = (struct place *)(s->filling->bytes + s->filling->used);
		p->slab = s->filling;
		s->filling->used += size;
		atomic_fetch_add_explicit(&s->filling->users, 1, memory_order_relaxed);
	}
	p->outlet = o;
	memcpy(p->bytes, b, n);
	if (zmq_msg_init_data(m, p->bytes, n, taken, p) < 0) {
		int rc = zmq_errno();
		p->outlet = NULL;
		taken(NULL, p);
		return rc;
	}
	return 0;
}

/* When the context has ended, no message is left, and all slabs are here. */
void zm_slabs_free(struct zm_slabs *s)
{
	if (s->filling)
		drop_slab(s->filling);
	for (struct slab *b = atomic_exchange(&s->back, NULL), *next; b; b = next) {
		next = b->next;
		free(b);
	}
	for (struct slab *b = s->kept, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(s);
}
