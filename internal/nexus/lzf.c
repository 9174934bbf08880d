/* The read half of h5py's LZF filter (number 32000), which h5py compiles in and
   no plugin folder has. Format: a control byte below 32 announces that many
   plus one literal bytes; otherwise its upper three bits are a length (7: more
   in the next byte) and its lower five, with the byte after, a distance back. */
#include "shim.h"

#include <string.h>

enum { LZF_ID = 32000, LZF_MAX = 1 << 30 };

/* Number of bytes unpacked; 0: out is too small; -1: not LZF. */
static long lzf_unpack(const unsigned char *in, size_t n, unsigned char *out, size_t cap) {
	size_t i = 0, o = 0;
	while (i < n) {
		size_t c = in[i++];
		if (c < 32) {
			if (++c > n - i) return -1;
			if (c > cap - o) return 0;
			memcpy(out + o, in + i, c);
			i += c;
			o += c;
			continue;
		}
		size_t len = c >> 5, back = (c & 31) << 8;
		if (len == 7) {
			if (i >= n) return -1;
			len += in[i++];
		}
		if (i >= n) return -1;
		back += in[i++] + 1;
		len += 2;
		if (back > o) return -1;
		if (len > cap - o) return 0;
		for (; len; len--, o++) out[o] = out[o - back]; /* source and target may overlap */
	}
	return (long)o;
}

/* values[2] is the size of a chunk, as h5py's writer left it. */
static size_t lzf_filter(unsigned flags, size_t nvalues, const unsigned values[], size_t nbytes, size_t *size, void **buf) {
	size_t cap = nvalues > 2 && values[2] ? values[2] : *size;
	if (!(flags & H5Z_FLAG_REVERSE)) return 0; /* we only read */
	for (; cap > 0 && cap <= LZF_MAX; cap *= 2) {
		unsigned char *out = malloc(cap);
		if (!out) return 0;
		long n = lzf_unpack(*buf, nbytes, out, cap);
		if (n > 0) {
			free(*buf);
			*buf = out;
			*size = cap;
			return (size_t)n;
		}
		free(out);
		if (n < 0) return 0;
	}
	return 0;
}

const H5Z_class2_t nx_lzf = {H5Z_CLASS_T_VERS, LZF_ID, 0, 1, "lzf", NULL, NULL, lzf_filter};
