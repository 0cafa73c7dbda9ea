// vectorscan PATTERNS HAYSTACK SECONDS: finds the lines of PATTERNS in HAYSTACK, ASCII letter case aside, with Vectorscan's
// literal API. Prints the number of matches and GB per CPU second, the best of the passes of about SECONDS.
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *n) {
	(void)id; (void)from; (void)to; (void)flags;
	++*(unsigned long long *)n;
	return 0;
}

static char *slurp(const char *name, size_t *n) {
	FILE *f = fopen(name, "rb");
	if (!f) { perror(name); exit(1); }
	fseek(f, 0, SEEK_END);
	*n = ftell(f);
	rewind(f);
	char *b = malloc(*n + 1);
	if (!b || fread(b, 1, *n, f) != *n) { perror(name); exit(1); }
	b[*n] = 0;
	fclose(f);
	return b;
}

static double cpu(void) {
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
	if (argc != 4) return 2;
	size_t n, m, k = 0, cap = 1 << 17;
	char *text = slurp(argv[1], &n), *hay = slurp(argv[2], &m);
	const char **p = malloc(cap * sizeof *p);
	size_t *len = malloc(cap * sizeof *len);
	unsigned *flags = malloc(cap * sizeof *flags), *ids = malloc(cap * sizeof *ids);
	for (char *line = strtok(text, "\n"); line && k < cap; line = strtok(NULL, "\n"), k++) {
		p[k] = line; len[k] = strlen(line); flags[k] = HS_FLAG_CASELESS; ids[k] = k;
	}
	hs_database_t *db;
	hs_compile_error_t *err;
	if (hs_compile_lit_multi(p, flags, ids, len, k, HS_MODE_BLOCK, NULL, &db, &err) != HS_SUCCESS) {
		fprintf(stderr, "%s\n", err->message);
		return 1;
	}
	hs_scratch_t *scratch = NULL;
	if (hs_alloc_scratch(db, &scratch) != HS_SUCCESS) return 1;
	double best = 0, began = cpu();
	unsigned long long found = 0;
	do {
		found = 0;
		double t = cpu();
		if (hs_scan(db, hay, m, 0, scratch, on_match, &found) != HS_SUCCESS) return 1;
		double rate = m / (cpu() - t) / 1e9;
		if (rate > best) best = rate;
	} while (cpu() - began < atof(argv[3]));
	printf("%llu %.2f\n", found, best);
	return 0;
}
