/* What happens when libhdf5 crashes on a corrupt file (crash.c). */
#ifndef INGESTOR_NEXUS_CRASH_H
#define INGESTOR_NEXUS_CRASH_H

int nx_crash_install(void);
void nx_crash_enter(void);
void nx_crash_leave(void);
int nx_crashed(void);

/* Processor time of the thread in the section, in nanoseconds; -1: not known. */
long long nx_worked(void);

#endif
