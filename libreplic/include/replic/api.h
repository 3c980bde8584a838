/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file replic/api.h
 * What every public header of libreplic starts from: the marks on its functions.
 *
 * REPLIC_API       the function is exported, with C linkage also for C++.
 * REPLIC_MUST_USE  the compiler warns when the result is not looked at.
 *
 * Since 0.1.
 */
#ifndef REPLIC_API_H
#define REPLIC_API_H

#ifdef __cplusplus
#define REPLIC_BEGIN_DECLS extern "C" {
#define REPLIC_END_DECLS }
#else
#define REPLIC_BEGIN_DECLS
#define REPLIC_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define REPLIC_API __attribute__((visibility("default")))
#define REPLIC_MUST_USE __attribute__((warn_unused_result))
#else
#define REPLIC_API
#define REPLIC_MUST_USE
#endif

#endif
