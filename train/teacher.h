/* The teacher of a distillation: another network, frozen and in evaluation mode, that says what the student shall say of
 * the same pictures. It sees the student's batch as it was drawn and augmented, brought to its own size, channels and
 * normalisation.
 *
 * A student of fewer dimensions learns the teacher's principal components: fitted once, before the first step, on a
 * sample of the training set, and kept in the run as teacher.safetensors, with what the teacher was, so that a run that
 * is resumed goes on with the same bits or not at all. */
#ifndef KIN_TRAIN_TEACHER_H
#define KIN_TRAIN_TEACHER_H

#include "train/encoder.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kin_teacher kin_teacher;

/* What student->teacher names: a run's folder or a checkpoint of kin's, or with teacher_model published weights of that
 * network. Takes pictures as the student's settings make them. NULL on error. */
kin_teacher *kin_teacher_open(const kin_config *student, kin_error *err);
void kin_teacher_free(kin_teacher *t);
/* Numbers of its descriptor. */
int64_t kin_teacher_dim(const kin_teacher *t);

/* Its unit descriptors [count, dim] of pictures as the student receives them. The teacher's, until the next call. */
const float *kin_teacher_rows(kin_teacher *t, const float *pixels, int64_t count, kin_error *err);
/* The same rows by principal components [count, kin_teacher_pca_dim]; NULL with no error where none were fitted. */
const float *kin_teacher_pca(kin_teacher *t, kin_error *err);
int64_t kin_teacher_pca_dim(const kin_teacher *t); /* 0: none were fitted */

/* The first `dims` principal components of the pictures `sound` [count] of the set, or of a sample of them by the
 * student's seed where there are many. */
bool kin_teacher_fit(kin_teacher *t, const kin_dataset *set, const int64_t *sound, int64_t count,
                     int64_t dims, kin_image_limits limits, kin_error *err);

/* The components, and what the teacher is; back only for the same teacher. */
bool kin_teacher_save(const kin_teacher *t, const char *path, kin_error *err);
bool kin_teacher_restore(kin_teacher *t, const char *path, kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
