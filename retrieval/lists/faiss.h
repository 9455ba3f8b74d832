/* Hand-over to FAISS: exact indices as faiss.read_index takes them. What a search found is handed over as
 * arrays (retrieval/lists/ranks.h). */
#ifndef KIN_RETRIEVAL_LISTS_FAISS_H
#define KIN_RETRIEVAL_LISTS_FAISS_H

#include "retrieval/search/search.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the rows as an IndexFlatL2 (Euclid), or an IndexFlatIP: for inner products the rows as they are,
 * for cosine of unit length, so that queries of unit length find cosines. FAISS's ids are the rows'
 * numbers. */
bool kin_faiss_write_flat(const char *path, kin_vectors set, kin_metric metric, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
