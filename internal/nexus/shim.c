#include "shim.h"

#include <stdio.h>
#include <string.h>

/* ---- the library ---- */

/* Error numbers of the system that calls of this thread met. */
static _Thread_local uint64_t nx_errnos[NX_ERRNOS / 64];

static herr_t nx_errno_cb(unsigned n, const H5E_error2_t *e, void *ud) {
	static const char key[] = "errno = ";
	const char *at = e->desc ? strstr(e->desc, key) : NULL;
	int number = at ? atoi(at + sizeof key - 1) : 0;
	(void)n, (void)ud;
	if (number > 0 && number < NX_ERRNOS) nx_errnos[number / 64] |= UINT64_C(1) << number % 64;
	return 0;
}

static herr_t nx_note(hid_t stack, void *ud) {
	(void)ud;
	return H5Ewalk2(stack, H5E_WALK_UPWARD, nx_errno_cb, NULL);
}

/* The error stack is per thread, and so is what is done with it whenever a call
   fails: the numbers in it are noted, and nothing is printed. */
void nx_enter(void) {
	memset(nx_errnos, 0, sizeof nx_errnos);
	H5Eset_auto2(H5E_DEFAULT, nx_note, NULL);
}

/* The error numbers that calls since nx_enter met, each a bit. */
const uint64_t *nx_met(void) { return nx_errnos; }

/* Made once, because libhdf5 takes longer over a property list than over a
   small dataset: the transfer of variable-length elements into nx_current, and
   text of variable length in memory, by character set. */
static hid_t nx_transfer = -1, nx_text[2] = {-1, -1};
static nx_arena *nx_current;
static void *nx_alloc(size_t n, void *ud);
static void nx_unalloc(void *p, void *ud);

int nx_setup(void) {
	if (H5Zregister(&nx_lzf) < 0) return NX_FAILED;
	nx_transfer = H5Pcreate(H5P_DATASET_XFER);
	if (nx_transfer < 0 || H5Pset_vlen_mem_manager(nx_transfer, nx_alloc, NULL, nx_unalloc, NULL) < 0) return NX_FAILED;
	for (int utf8 = 0; utf8 < 2; utf8++) {
		nx_text[utf8] = H5Tcopy(H5T_C_S1);
		if (H5Tset_size(nx_text[utf8], H5T_VARIABLE) < 0 || H5Tset_cset(nx_text[utf8], utf8 ? H5T_CSET_UTF8 : H5T_CSET_ASCII) < 0) return NX_FAILED;
	}
	return NX_OK;
}

typedef struct { unsigned n; int flags; char first[160], last[512]; } nx_walk;

static herr_t nx_walk_cb(unsigned n, const H5E_error2_t *e, void *ud) {
	nx_walk *w = ud;
	const char *text = e->desc ? e->desc : "";
	if (n == 0) snprintf(w->first, sizeof w->first, "%s", text);
	snprintf(w->last, sizeof w->last, "%s", text);
	w->n = n + 1;
	w->flags = 0;
	/* A dangling external link and a loop of links are "not found" too. */
	if (e->min_num == H5E_NOTFOUND || (e->maj_num == H5E_LINK && (e->min_num == H5E_CANTOPENFILE || e->min_num == H5E_NLINKS)))
		w->flags |= NX_E_NOTFOUND;
	if (e->min_num == H5E_BADTYPE) w->flags |= NX_E_TYPE;
	return 0;
}

/* Text of this thread's error stack, which it empties: the outermost and the
   innermost account. What lies between adds nothing. The result tells the
   nature of the innermost error. */
int nx_error(char *buf, size_t cap) {
	nx_walk w = {0};
	H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, nx_walk_cb, &w);
	H5Eclear2(H5E_DEFAULT);
	if (w.n > 1) snprintf(buf, cap, "%s: %s", w.first, w.last);
	else snprintf(buf, cap, "%s", w.first);
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ') *p = ' ';
	return w.flags;
}

long nx_open_ids(void) { return (long)H5Fget_obj_count(H5F_OBJ_ALL, H5F_OBJ_ALL); }

/* ---- types ---- */

void nx_type_close(hid_t type) { if (type > 0) H5Tclose(type); }

/* h5py's boolean: exactly FALSE = 0 and TRUE = 1. The members are compared as
   bytes of the base type, without H5Tget_native_type, which crashes on some
   corrupt files. */
static int nx_is_bool(hid_t t, size_t size) {
	int seen = 0;
	if (size > 8 || H5Tget_nmembers(t) != 2) return 0;
	for (unsigned i = 0; i < 2; i++) {
		unsigned char v[8] = {0}, sum = 0, set = 0;
		char *name = H5Tget_member_name(t, i);
		if (name && H5Tget_member_value(t, i, v) >= 0) {
			for (size_t k = 0; k < size; k++) { sum |= v[k]; set += v[k] != 0; }
			if (!strcmp(name, "FALSE") && sum == 0) seen |= 1;
			if (!strcmp(name, "TRUE") && sum == 1 && set == 1) seen |= 2;
		}
		H5free_memory(name);
	}
	return seen == 3;
}

static int nx_type_of(hid_t t, nx_type *o) {
	memset(o, 0, sizeof *o);
	o->id = t;
	if (t < 0) return NX_FAILED;
	o->cls = H5Tget_class(t);
	o->size = H5Tget_size(t);
	switch (o->cls) {
	case H5T_ENUM:
		o->is_bool = nx_is_bool(t, o->size);
		/* fall through */
	case H5T_INTEGER:
		o->is_signed = H5Tget_sign(t) == H5T_SGN_2;
		/* fall through */
	case H5T_FLOAT:
		o->big_endian = H5Tget_order(t) == H5T_ORDER_BE;
		break;
	case H5T_STRING:
		o->vlen_string = H5Tis_variable_str(t) > 0;
		o->utf8 = H5Tget_cset(t) == H5T_CSET_UTF8;
		break;
	case H5T_COMPOUND:
		o->count = H5Tget_nmembers(t);
		break;
	case H5T_ARRAY:
		o->count = H5Tget_array_ndims(t);
		if (o->count < 0 || o->count > H5S_MAX_RANK || H5Tget_array_dims2(t, o->dims) < 0) goto bad;
		break;
	case H5T_REFERENCE:
		o->region = H5Tequal(t, H5T_STD_REF_DSETREG) > 0;
		break;
	case H5T_NO_CLASS:
		goto bad;
	}
	if (o->size > 0 && o->count >= 0) return NX_OK;
bad:
	H5Tclose(t);
	o->id = -1;
	return NX_FAILED;
}

int nx_super(hid_t type, nx_type *o) { return nx_type_of(H5Tget_super(type), o); }

/* Type of a member, and its name, which the caller frees with H5free_memory. */
char *nx_member(hid_t type, unsigned i, nx_type *o) {
	char *name = H5Tget_member_name(type, i);
	if (!name) return NULL;
	if (nx_type_of(H5Tget_member_type(type, i), o) < 0) {
		H5free_memory(name);
		return NULL;
	}
	return name;
}

int nx_stat(hid_t id, int attr, nx_object *o) {
	hid_t s = attr ? H5Aget_space(id) : H5Dget_space(id);
	if (s < 0) return NX_FAILED;
	o->space = H5Sget_simple_extent_type(s);
	o->ndims = 0;
	if (o->space == H5S_SIMPLE) o->ndims = H5Sget_simple_extent_dims(s, o->dims, NULL);
	H5Sclose(s);
	if (o->space == H5S_NO_CLASS || o->ndims < 0) return NX_FAILED;
	return nx_type_of(attr ? H5Aget_type(id) : H5Dget_type(id), &o->type);
}

/* ---- values ---- */

static int nx_is_text(hid_t t) { return t == nx_text[0] || t == nx_text[1]; }

static void nx_memory_close(hid_t m) {
	if (m >= 0 && !nx_is_text(m)) H5Tclose(m);
}

/* The type in memory that layout.go expects: every integer and enumeration as
   8 bytes, every float as double, strings NUL-padded, compounds packed. The
   caller closes it by nx_memory_close. */
static hid_t nx_memory_type(hid_t t, int *vlen) {
	hid_t m = -1, sub = -1;
	switch (H5Tget_class(t)) {
	case H5T_INTEGER:
	case H5T_ENUM: /* libhdf5 converts by the base type */
		return H5Tcopy(H5Tget_sign(t) == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64);
	case H5T_FLOAT:
		return H5Tcopy(H5T_NATIVE_DOUBLE);
	case H5T_STRING:
		if (H5Tis_variable_str(t) > 0) {
			*vlen = 1;
			return nx_text[H5Tget_cset(t) == H5T_CSET_UTF8];
		}
		if ((m = H5Tcopy(H5T_C_S1)) < 0) return m;
		H5Tset_cset(m, H5Tget_cset(t));
		H5Tset_size(m, H5Tget_size(t));
		H5Tset_strpad(m, H5T_STR_NULLPAD); /* as numpy, so that h5py's values come out */
		return m;
	case H5T_OPAQUE:
		return H5Tcopy(t);
	case H5T_VLEN:
		*vlen = 1;
		if ((sub = H5Tget_super(t)) < 0) return sub;
		m = nx_memory_type(sub, vlen);
		H5Tclose(sub);
		if (m < 0) return m;
		sub = m;
		m = H5Tvlen_create(sub);
		nx_memory_close(sub);
		return m;
	case H5T_ARRAY: {
		hsize_t dims[H5S_MAX_RANK];
		int n = H5Tget_array_ndims(t);
		if (n < 1 || n > H5S_MAX_RANK || H5Tget_array_dims2(t, dims) < 0 || (sub = H5Tget_super(t)) < 0) return -1;
		m = nx_memory_type(sub, vlen);
		H5Tclose(sub);
		if (m < 0) return m;
		sub = m;
		m = H5Tarray_create2(sub, n, dims);
		nx_memory_close(sub);
		return m;
	}
	case H5T_COMPOUND: {
		int n = H5Tget_nmembers(t), ok = 1;
		size_t at = 0;
		if (n < 1 || (m = H5Tcreate(H5T_COMPOUND, 1)) < 0) return -1;
		for (int i = 0; ok && i < n; i++) {
			char *name = H5Tget_member_name(t, i);
			hid_t ft = H5Tget_member_type(t, i), mt = ft < 0 ? -1 : nx_memory_type(ft, vlen);
			size_t size = mt < 0 ? 0 : H5Tget_size(mt);
			ok = name && size && H5Tset_size(m, at + size) >= 0 && H5Tinsert(m, name, at, mt) >= 0;
			at += size;
			nx_memory_close(mt);
			if (ft >= 0) H5Tclose(ft);
			H5free_memory(name);
		}
		if (ok) return m;
		H5Tclose(m);
		return -1;
	}
	default:
		return -1;
	}
}

static void *nx_alloc(size_t n, void *ud) {
	nx_arena *a = nx_current;
	nx_block *b = a->blocks;
	(void)ud;
	n = (n + 7) & ~(size_t)7;
	if (n > a->limit || a->total > a->limit - n) { a->full = 1; return NULL; }
	if (!b || b->cap - b->used < n) {
		size_t cap = n > 65536 ? n : a->total < 1024 ? (n > 1024 ? n : 1024) : 65536;
		if (!(b = malloc(sizeof *b + cap))) return NULL;
		*b = (nx_block){a->blocks, 0, cap};
		a->blocks = b;
	}
	void *p = b->data + b->used;
	b->used += n;
	a->total += n;
	return p;
}

static void nx_unalloc(void *p, void *ud) { (void)p; (void)ud; }

void nx_arena_free(nx_arena *a) {
	for (nx_block *b = a->blocks, *next; b; b = next) { next = b->next; free(b); }
	a->blocks = NULL;
}

/* A chunk is inflated whole, whatever part of it is wanted. */
static int nx_chunk_fits(hid_t id, size_t limit) {
	hid_t p = H5Dget_create_plist(id);
	int ok = 1;
	if (p < 0) return 1;
	if (H5Pget_layout(p) == H5D_CHUNKED) {
		hsize_t dims[H5S_MAX_RANK];
		int n = H5Pget_chunk(p, H5S_MAX_RANK, dims);
		hid_t t = H5Dget_type(id);
		hsize_t bytes = t < 0 ? 1 : H5Tget_size(t);
		if (t >= 0) H5Tclose(t);
		for (int i = 0; ok && i < n; i++) {
			ok = dims[i] <= limit / bytes;
			if (dims[i]) bytes *= dims[i];
			if (!bytes) bytes = 1;
		}
	}
	H5Pclose(p);
	return ok;
}

/* Reads all elements into buf, zeroed, of elem bytes each. What variable-length
   elements point to lies in the arena (whose limit counts it) until
   nx_arena_free. */
int nx_read(hid_t id, int attr, int scalar, hid_t type, size_t elem, void *buf, nx_arena *a) {
	int vlen = 0, rc = NX_FAILED;
	hid_t m = nx_memory_type(type, &vlen);
	if (m < 0) return NX_TYPE;
	if (H5Tget_size(m) != elem) {
		rc = NX_LAYOUT;
	} else if (attr) {
		rc = H5Aread(id, m, buf) < 0 ? NX_FAILED : NX_OK;
	} else if (!scalar && !nx_chunk_fits(id, a->limit)) {
		rc = NX_TOO_LARGE;
	} else {
		nx_current = a;
		rc = H5Dread(id, m, H5S_ALL, H5S_ALL, vlen ? nx_transfer : H5P_DEFAULT, buf) < 0 ? NX_FAILED : NX_OK;
		nx_current = NULL;
		if (a->full) rc = NX_TOO_LARGE;
	}
	nx_memory_close(m);
	return rc;
}

/* H5Aread takes no allocator: what elements of variable length point to is
   libhdf5's. */
void nx_reclaim(hid_t attr, hid_t type, void *buf) {
	int vlen = 0;
	hid_t m = nx_memory_type(type, &vlen), s = H5Aget_space(attr);
	if (m >= 0 && s >= 0 && vlen) H5Dvlen_reclaim(m, s, H5P_DEFAULT, buf);
	if (s >= 0) H5Sclose(s);
	nx_memory_close(m);
}
