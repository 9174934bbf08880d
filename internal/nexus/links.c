/* Attributes, links, and how datasets are stored: the rest of shim.h. */
#include "shim.h"

#include <string.h>


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
