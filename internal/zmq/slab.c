/* Memory for headers.

   A header is made by the sending thread and freed by an I/O thread. The system's
   allocator takes a lock for that, which both threads then fight for at some hundred
   thousand messages a second. So headers lie one behind the other in slabs, and an
   I/O thread only counts down. */
#include "slab.h"
#include "message.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLAB_SIZE (64 << 10)
/* Slabs that are kept for use again; more are freed as they come back. */
#define SLABS_KEPT 16

struct slab {
	atomic_uint users; /* the messages in it, and the sender while it fills it */
	struct slab *next;
	struct zm_slabs *owner;
	size_t used;
	char bytes[SLAB_SIZE];
};

struct zm_slabs {
	struct slab *filling;
	_Atomic(struct slab *) back; /* emptied by I/O threads, in no order */
	struct slab *kept;
	unsigned kept_n;
};

/* Drops one user; the last hands the slab back to the sender. */
static void release(void *data, void *hint)
{
	struct slab *b = hint;
	(void)data;
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
		release(NULL, s->filling);
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

int zm_slabs_message(struct zm_slabs *s, zmq_msg_t *m, const void *b, size_t n)
{
	if (n > SLAB_SIZE / 8) { /* rare, and no use to share */
		if (zmq_msg_init_size(m, n) < 0)
			return zmq_errno();
		memcpy(zmq_msg_data(m), b, n);
		return 0;
	}
	if (!s->filling || SLAB_SIZE - s->filling->used < n) {
		int rc = fresh(s);
		if (rc)
			return rc;
	}
	struct slab *f = s->filling;
	char *at = f->bytes + f->used;
	memcpy(at, b, n);
	atomic_fetch_add_explicit(&f->users, 1, memory_order_relaxed);
	if (zmq_msg_init_data(m, at, n, release, f) < 0) {
		int rc = zmq_errno();
		atomic_fetch_sub_explicit(&f->users, 1, memory_order_relaxed);
		return rc;
	}
	f->used += n;
	return 0;
}

/* When the context has ended, no message is left, and all slabs are here. */
void zm_slabs_free(struct zm_slabs *s)
{
	if (s->filling)
		release(NULL, s->filling);
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
