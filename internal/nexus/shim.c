#include "shim.h"

#include <stdio.h>
#include <string.h>

/* ---- the library ---- */

/* The error stack, and with it the printing of errors, is per thread. */
void nx_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

int nx_setup(void) { return H5Zregister(&nx_lzf) < 0 ? NX_FAILED : NX_OK; }

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

/* The type in memory that layout.go expects: every integer and enumeration as
   8 bytes, every float as double, strings NUL-padded, compounds packed. The
   caller closes it. */
static hid_t nx_memory_type(hid_t t, int *vlen) {
	hid_t m = -1, sub = -1;
	switch (H5Tget_class(t)) {
	case H5T_INTEGER:
	case H5T_ENUM: /* libhdf5 converts by the base type */
		return H5Tcopy(H5Tget_sign(t) == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64);
	case H5T_FLOAT:
		return H5Tcopy(H5T_NATIVE_DOUBLE);
	case H5T_STRING:
		if ((m = H5Tcopy(H5T_C_S1)) < 0) return m;
		H5Tset_cset(m, H5Tget_cset(t));
		if (H5Tis_variable_str(t) > 0) {
			*vlen = 1;
			H5Tset_size(m, H5T_VARIABLE);
		} else {
			H5Tset_size(m, H5Tget_size(t));
			H5Tset_strpad(m, H5T_STR_NULLPAD); /* as numpy, so that h5py's values come out */
		}
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
		H5Tclose(sub);
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
		H5Tclose(sub);
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
			if (mt >= 0) H5Tclose(mt);
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
	nx_arena *a = ud;
	nx_block *b = a->blocks;
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
int nx_read(hid_t id, int attr, hid_t type, size_t elem, void *buf, nx_arena *a) {
	int vlen = 0, rc = NX_FAILED;
	hid_t x = H5P_DEFAULT, m = nx_memory_type(type, &vlen);
	if (m < 0) return NX_TYPE;
	if (H5Tget_size(m) != elem) { rc = NX_LAYOUT; goto out; }
	if (attr) {
		rc = H5Aread(id, m, buf) < 0 ? NX_FAILED : NX_OK;
		goto out;
	}
	if (!nx_chunk_fits(id, a->limit)) { rc = NX_TOO_LARGE; goto out; }
	if (vlen) {
		x = H5Pcreate(H5P_DATASET_XFER);
		if (x < 0 || H5Pset_vlen_mem_manager(x, nx_alloc, a, nx_unalloc, a) < 0) goto out;
	}
	rc = H5Dread(id, m, H5S_ALL, H5S_ALL, x, buf) < 0 ? NX_FAILED : NX_OK;
	if (a->full) rc = NX_TOO_LARGE;
out:
	if (x > 0) H5Pclose(x);
	H5Tclose(m);
	return rc;
}

/* H5Aread takes no allocator: what elements of variable length point to is
   libhdf5's. */
void nx_reclaim(hid_t attr, hid_t type, void *buf) {
	int vlen = 0;
	hid_t m = nx_memory_type(type, &vlen), s = H5Aget_space(attr);
	if (m >= 0 && s >= 0 && vlen) H5Dvlen_reclaim(m, s, H5P_DEFAULT, buf);
	if (s >= 0) H5Sclose(s);
	if (m >= 0) H5Tclose(m);
}

/* ---- attributes, links, storage ---- */

hid_t nx_attr_open(hid_t loc, const char *path, const char *name) {
	return H5Aopen_by_name(loc, path, name, H5P_DEFAULT, H5P_DEFAULT);
}

typedef struct { char *p; size_t n, cap; } nx_list;

/* Appends 8 bytes of creation order, -1 where it is not tracked, and the name
   with its NUL. */
static herr_t nx_append(nx_list *l, const char *name, int tracked, int64_t order) {
	size_t len = strlen(name) + 1, more = sizeof order + len;
	if (l->n + more > l->cap) {
		size_t cap = (l->n + more) * 2;
		char *p = realloc(l->p, cap);
		if (!p) return -1;
		l->p = p;
		l->cap = cap;
	}
	if (!tracked) order = -1;
	memcpy(l->p + l->n, &order, sizeof order);
	memcpy(l->p + l->n + sizeof order, name, len);
	l->n += more;
	return 0;
}

static herr_t nx_link_cb(hid_t g, const char *name, const H5L_info_t *i, void *ud) {
	(void)g;
	return nx_append(ud, name, i->corder_valid, i->corder);
}

static herr_t nx_attr_cb(hid_t g, const char *name, const H5A_info_t *i, void *ud) {
	(void)g;
	return nx_append(ud, name, i->corder_valid, i->corder);
}

/* Names of the links of a group or the attributes of an object, in a block that
   the caller frees. In no order: where libhdf5 1.10 sorts by itself, it frees
   wild pointers when a corrupt file lets it fail half-way. */
char *nx_names(hid_t id, int attrs, size_t *total) {
	nx_list l = {malloc(256), 0, 256};
	hsize_t at = 0;
	herr_t rc;
	if (!l.p) return NULL;
	if (attrs) rc = H5Aiterate2(id, H5_INDEX_NAME, H5_ITER_NATIVE, &at, nx_attr_cb, &l);
	else rc = H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, &at, nx_link_cb, &l);
	if (rc < 0) { free(l.p); return NULL; }
	*total = l.n;
	return l.p;
}

/* H5O_type_t of the object that a path leads to. */
int nx_object_type(hid_t loc, const char *path) {
	H5O_info_t o;
	return H5Oget_info_by_name2(loc, path, &o, H5O_INFO_BASIC, H5P_DEFAULT) < 0 ? NX_FAILED : (int)o.type;
}

int nx_link_info(hid_t loc, const char *path, int root, nx_link *out) {
	H5L_info_t l;
	H5O_info_t o;
	memset(out, 0, sizeof *out);
	out->link = out->object = -1;
	if (!root) {
		if (H5Lget_info(loc, path, &l, H5P_DEFAULT) < 0) return NX_FAILED;
		out->link = l.type;
		if (l.type == H5L_TYPE_SOFT || l.type == H5L_TYPE_EXTERNAL) {
			size_t n = l.u.val_size;
			char *raw = calloc(1, n + 1);
			if (!raw) return NX_FAILED;
			if (H5Lget_val(loc, path, raw, n, H5P_DEFAULT) < 0) { free(raw); return NX_FAILED; }
			if (l.type == H5L_TYPE_EXTERNAL) {
				const char *file = NULL, *object = NULL;
				if (H5Lunpack_elink_val(raw, n, NULL, &file, &object) < 0) { free(raw); return NX_FAILED; }
				size_t nf = strlen(file) + 1, no = strlen(object) + 1;
				if ((out->target = malloc(nf + no))) {
					memcpy(out->target, object, no);
					out->file_name = memcpy(out->target + no, file, nf);
				}
				free(raw);
			} else out->target = raw;
		}
	}
	if (H5Oget_info_by_name2(loc, path, &o, H5O_INFO_BASIC, H5P_DEFAULT) >= 0) {
		out->object = o.type;
		out->file = o.fileno;
		out->address = o.addr;
	}
	return NX_OK;
}

int nx_storage_of(hid_t id, nx_storage *o) {
	hid_t p = H5Dget_create_plist(id);
	memset(o, 0, sizeof *o);
	if (p < 0) return NX_FAILED;
	if (H5Pget_layout(p) == H5D_CHUNKED) {
		o->ndims = H5Pget_chunk(p, H5S_MAX_RANK, o->chunk);
		o->nfilters = H5Pget_nfilters(p);
	}
	o->external = H5Pget_external_count(p);
	H5Pclose(p);
	o->stored = H5Dget_storage_size(id);
	return o->ndims < 0 || o->nfilters < 0 ? NX_FAILED : NX_OK;
}

int nx_filter(hid_t id, unsigned i, int *filter, int *available, char *name, size_t cap) {
	unsigned flags = 0, config = 0;
	size_t n = 0;
	hid_t p = H5Dget_create_plist(id);
	if (p < 0) return NX_FAILED;
	name[0] = 0;
	*filter = H5Pget_filter2(p, i, &flags, &n, NULL, cap, name, &config);
	name[cap - 1] = 0;
	H5Pclose(p);
	if (*filter < 0) { *filter = 0; return NX_FAILED; }
	*available = H5Zfilter_avail(*filter) > 0;
	return NX_OK;
}
