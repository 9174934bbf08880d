#include "write.h"

#include <stdio.h>
#include <string.h>

static herr_t nxt_error_cb(unsigned n, const H5E_error2_t *e, void *ud) {
	(void)n;
	snprintf(ud, 256, "%s", e->desc ? e->desc : "");
	return 0;
}

/* The innermost account of the last failure on this thread; cap is 256. */
void nxt_error(char *buf, size_t cap) {
	buf[0] = 0;
	if (cap >= 256) H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, nxt_error_cb, buf);
	H5Eclear2(H5E_DEFAULT);
}

static hid_t nxt_float(size_t size, int big) {
	if (size == 8) return H5Tcopy(big ? H5T_IEEE_F64BE : H5T_IEEE_F64LE);
	hid_t t = H5Tcopy(big ? H5T_IEEE_F32BE : H5T_IEEE_F32LE);
	if (size == 2 && t >= 0) { /* the IEEE half, as numpy has it */
		H5Tset_fields(t, 15, 10, 5, 0, 10);
		H5Tset_size(t, 2);
		H5Tset_ebias(t, 15);
	}
	return t;
}

static hid_t nxt_complex(hid_t part) {
	size_t size = H5Tget_size(part);
	hid_t t = H5Tcreate(H5T_COMPOUND, 2 * size);
	if (t >= 0 && (H5Tinsert(t, "r", 0, part) < 0 || H5Tinsert(t, "i", size, part) < 0)) { H5Tclose(t); t = -1; }
	return t;
}

/* The types in the file and in memory; the caller closes both. */
static int nxt_types(const nxt_value *v, hid_t *file, hid_t *mem) {
	hid_t part;
	*file = *mem = -1;
	switch (v->form) {
	case NXT_INT:
	case NXT_UINT:
		*mem = H5Tcopy(v->form == NXT_INT ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64);
		*file = H5Tcopy(*mem);
		H5Tset_size(*file, v->size);
		H5Tset_order(*file, v->big_endian ? H5T_ORDER_BE : H5T_ORDER_LE);
		break;
	case NXT_FLOAT:
		*mem = H5Tcopy(H5T_NATIVE_DOUBLE);
		*file = nxt_float(v->size, v->big_endian);
		break;
	case NXT_TEXT:
		*file = H5Tcopy(H5T_C_S1);
		H5Tset_size(*file, H5T_VARIABLE);
		H5Tset_cset(*file, H5T_CSET_UTF8);
		*mem = H5Tcopy(*file);
		break;
	case NXT_FIXED:
		*file = H5Tcopy(H5T_C_S1);
		H5Tset_size(*file, v->size);
		H5Tset_strpad(*file, H5T_STR_NULLPAD);
		*mem = H5Tcopy(*file);
		break;
	case NXT_BOOL: {
		signed char no = 0, yes = 1;
		*file = H5Tenum_create(H5T_NATIVE_SCHAR);
		H5Tenum_insert(*file, "FALSE", &no);
		H5Tenum_insert(*file, "TRUE", &yes);
		*mem = H5Tcopy(*file);
		break;
	}
	case NXT_COMPLEX:
		*mem = nxt_complex(H5T_NATIVE_DOUBLE);
		part = nxt_float(v->size / 2, v->big_endian);
		*file = nxt_complex(part);
		H5Tclose(part);
		break;
	case NXT_OPAQUE:
		*file = H5Tcreate(H5T_OPAQUE, v->size);
		H5Tset_tag(*file, "bytes");
		*mem = H5Tcopy(*file);
		break;
	}
	return *file < 0 || *mem < 0 ? -1 : 0;
}

int nxt_write(hid_t loc, const char *name, const nxt_value *v, const void *data) {
	hid_t file, mem, space = -1, plist = -1, id = -1;
	int rc = -1;
	if (nxt_types(v, &file, &mem) < 0) goto out;
	if (v->null) space = H5Screate(H5S_NULL);
	else space = v->ndims ? H5Screate_simple(v->ndims, v->dims, NULL) : H5Screate(H5S_SCALAR);
	if (space < 0) goto out;
	if (v->attribute) {
		if ((id = H5Acreate2(loc, name, file, space, H5P_DEFAULT, H5P_DEFAULT)) < 0) goto out;
		rc = v->null || !data ? 0 : H5Awrite(id, mem, data);
		if (H5Aclose(id) < 0) rc = -1;
		goto out;
	}
	plist = H5Pcreate(H5P_DATASET_CREATE);
	H5Pset_obj_track_times(plist, 0); /* equal runs make equal files */
	if (v->nchunk && H5Pset_chunk(plist, v->nchunk, v->chunk) < 0) goto out;
	if (v->shuffle && H5Pset_shuffle(plist) < 0) goto out;
	if (v->gzip && H5Pset_deflate(plist, (unsigned)v->gzip) < 0) goto out;
	if ((id = H5Dcreate2(loc, name, file, space, H5P_DEFAULT, plist, H5P_DEFAULT)) < 0) goto out;
	rc = v->null || !data ? 0 : H5Dwrite(id, mem, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
	if (H5Dclose(id) < 0) rc = -1;
out:
	if (plist >= 0) H5Pclose(plist);
	if (space >= 0) H5Sclose(space);
	if (mem >= 0) H5Tclose(mem);
	if (file >= 0) H5Tclose(file);
	return rc;
}

int nxt_attribute_at(hid_t loc, const char *object, const char *name, const nxt_value *v, const void *data) {
	hid_t id = H5Oopen(loc, object, H5P_DEFAULT);
	int rc = id < 0 ? -1 : nxt_write(id, name, v, data);
	if (id >= 0 && H5Oclose(id) < 0) rc = -1;
	return rc;
}

hid_t nxt_group(hid_t loc, const char *name, int ordered) {
	const unsigned order = ordered ? H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED : 0;
	hid_t p = H5Pcreate(H5P_GROUP_CREATE), g = -1;
	if (p < 0) return -1;
	if (H5Pset_obj_track_times(p, 0) >= 0 && H5Pset_link_creation_order(p, order) >= 0 && H5Pset_attr_creation_order(p, order) >= 0)
		g = H5Gcreate2(loc, name, H5P_DEFAULT, p, H5P_DEFAULT);
	H5Pclose(p);
	return g;
}

int nxt_soft(hid_t loc, const char *name, const char *target) { return H5Lcreate_soft(target, loc, name, H5P_DEFAULT, H5P_DEFAULT); }
int nxt_hard(hid_t loc, const char *name, const char *target) { return H5Lcreate_hard(loc, target, loc, name, H5P_DEFAULT, H5P_DEFAULT); }
int nxt_external(hid_t loc, const char *name, const char *file, const char *target) {
	return H5Lcreate_external(file, target, loc, name, H5P_DEFAULT, H5P_DEFAULT);
}
