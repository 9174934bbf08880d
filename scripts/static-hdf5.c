/* What Debian's libhdf5.a wants of libcurl and OpenSSL, for its driver of S3
   storage, which the programs do not use: were it called, it fails at once.
   scripts/static-hdf5 links it. */

int curl_global_init(long flags) { (void)flags; return 2; /* CURLE_FAILED_INIT */ }
void curl_global_cleanup(void) {}
void *curl_easy_init(void) { return 0; }
int curl_easy_setopt(void *handle, int option, ...) { (void)handle; (void)option; return 2; }
int curl_easy_perform(void *handle) { (void)handle; return 2; }
void curl_easy_cleanup(void *handle) { (void)handle; }
void *curl_slist_append(void *list, const char *text) { (void)list; (void)text; return 0; }
void curl_slist_free_all(void *list) { (void)list; }

const void *EVP_sha256(void) { return 0; }
unsigned char *HMAC(const void *digest, const void *key, int length, const unsigned char *data, unsigned long n,
		    unsigned char *out, unsigned *size) {
	(void)digest; (void)key; (void)length; (void)data; (void)n; (void)out; (void)size;
	return 0;
}
unsigned char *SHA256(const unsigned char *data, unsigned long n, unsigned char *out) {
	(void)data; (void)n; (void)out;
	return 0;
}
