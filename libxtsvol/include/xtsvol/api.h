/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file xtsvol/api.h
 * What every public header of libxtsvol starts from: the marks on its functions.
 *
 * XTSVOL_API       the function is exported, with C linkage also for C++.
 * XTSVOL_MUST_USE  the compiler warns when the result is not looked at.
 *
 * Since 0.1.
 */
#ifndef XTSVOL_API_H
#define XTSVOL_API_H

#ifdef __cplusplus
#define XTSVOL_BEGIN_DECLS extern "C" {
#define XTSVOL_END_DECLS }
#else
#define XTSVOL_BEGIN_DECLS
#define XTSVOL_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define XTSVOL_API __attribute__((visibility("default")))
#define XTSVOL_MUST_USE __attribute__((warn_unused_result))
#else
#define XTSVOL_API
#define XTSVOL_MUST_USE
#endif

#endif
