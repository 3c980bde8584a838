/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file certstore/api.h
 * What every public header of libcertstore starts from: the marks on its functions.
 *
 * CERTSTORE_API       the function is exported, with C linkage also for C++.
 * CERTSTORE_MUST_USE  the compiler warns when the result is not looked at.
 *
 * Since 0.1.
 */
#ifndef CERTSTORE_API_H
#define CERTSTORE_API_H

#ifdef __cplusplus
#define CERTSTORE_BEGIN_DECLS extern "C" {
#define CERTSTORE_END_DECLS }
#else
#define CERTSTORE_BEGIN_DECLS
#define CERTSTORE_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define CERTSTORE_API __attribute__((visibility("default")))
#define CERTSTORE_MUST_USE __attribute__((warn_unused_result))
#else
#define CERTSTORE_API
#define CERTSTORE_MUST_USE
#endif

#endif
