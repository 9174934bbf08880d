/* Thin C around libhdf5 for what gonum does not offer or gets wrong: values,
   attributes, links, error text (shim.c, links.c, lzf.c). Everything here runs
   under the Go lock of libhdf5.go, so nothing is thread-safe by itself.
   Functions return a negative number on failure and leave libhdf5's error stack
   for nx_error. */
#ifndef INGESTOR_NEXUS_SHIM_H
#define INGESTOR_NEXUS_SHIM_H

#include <hdf5.h>
#include <stdint.h>
#include <stdlib.h>

/* What nx_read says beside -1, where the error stack has no text. */
enum { NX_OK = 0, NX_FAILED = -1, NX_TOO_LARGE = -2, NX_LAYOUT = -3, NX_TYPE = -4 };

/* One datatype. */
typedef struct {
	hid_t id;        /* to be closed with nx_type_close */
	int cls;         /* H5T_class_t */
	int is_signed, big_endian, utf8, vlen_string, is_bool, region;
	int count;       /* members of a compound, dimensions of an array type */
	size_t size;     /* of one element in the file */
	hsize_t dims[H5S_MAX_RANK]; /* of an array type */
} nx_type;

/* Type and extent of a dataset or an attribute. */
typedef struct {
	int space;       /* H5S_class_t */
	int ndims;
	hsize_t dims[H5S_MAX_RANK];
	nx_type type;
} nx_object;

/* Memory of variable-length elements, freed in one go. */
typedef struct nx_block { struct nx_block *next; size_t used, cap; char data[]; } nx_block;
typedef struct { nx_block *blocks; size_t total, limit; int full; } nx_arena;

/* A link and what it leads to. */
typedef struct {
	int link;        /* H5L_type_t; -1: the root group has none */
	int object;      /* H5O_type_t; -1: the link dangles */
	unsigned long long file, address; /* identity of the object */
	char *target;    /* of a soft or external link, to be freed; else NULL */
	char *file_name; /* of an external link, inside target */
} nx_link;

/* Storage of a dataset. */
typedef struct { int ndims, nfilters, external; hsize_t chunk[H5S_MAX_RANK]; unsigned long long stored; } nx_storage;

/* Error numbers of the system that are told apart: there are fewer. */
enum { NX_ERRNOS = 256 };

/* Bits of nx_error's result. */
enum { NX_E_NOTFOUND = 1, NX_E_TYPE = 2 };

void nx_enter(void);
const uint64_t *nx_met(void);
int nx_setup(void);
int nx_error(char *buf, size_t cap);

int nx_stat(hid_t id, int attr, nx_object *o);
int nx_super(hid_t type, nx_type *o);
char *nx_member(hid_t type, unsigned i, nx_type *o);
void nx_type_close(hid_t type);

int nx_read(hid_t id, int attr, int scalar, hid_t type, size_t elem, void *buf, nx_arena *a);
void nx_arena_free(nx_arena *a);
void nx_reclaim(hid_t attr, hid_t type, void *buf);

hid_t nx_attr_open(hid_t loc, const char *path, const char *name);
char *nx_names(hid_t id, int attrs, size_t *total);
int nx_object_type(hid_t loc, const char *path);
int nx_link_info(hid_t loc, const char *path, int root, nx_link *o);
int nx_storage_of(hid_t id, nx_storage *o);
int nx_filter(hid_t id, unsigned i, int *filter, int *available, char *name, size_t cap);
long nx_open_ids(void);

/* The LZF filter of h5py, which is in no plugin folder (lzf.c). */
extern const H5Z_class2_t nx_lzf;

#endif
