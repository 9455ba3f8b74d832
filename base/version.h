/* Which kin this is. The Makefile reads these numbers here. While the first is 0, the second one's change may
 * change the interface. */
#ifndef KIN_BASE_VERSION_H
#define KIN_BASE_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define KIN_VERSION_MAJOR 0
#define KIN_VERSION_MINOR 1
#define KIN_VERSION_PATCH 0

#define KIN_VERSION_TEXT(number) #number
#define KIN_VERSION_JOIN(major, minor, patch) \
    KIN_VERSION_TEXT(major) "." KIN_VERSION_TEXT(minor) "." KIN_VERSION_TEXT(patch)
/* "0.1.0": of the headers that a program was compiled with. */
#define KIN_VERSION KIN_VERSION_JOIN(KIN_VERSION_MAJOR, KIN_VERSION_MINOR, KIN_VERSION_PATCH)

/* The same, of the library that it runs with. */
const char *kin_version(void);

#ifdef __cplusplus
}
#endif

#endif
