/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keymgr/api.h
 * What every public header of libkeymgr starts from: the marks on its functions.
 *
 * KEYMGR_API       the function is exported, with C linkage also for C++.
 * KEYMGR_MUST_USE  the compiler warns when the result is not looked at.
 *
 * Since 0.1.
 */
#ifndef KEYMGR_API_H
#define KEYMGR_API_H

#ifdef __cplusplus
#define KEYMGR_BEGIN_DECLS extern "C" {
#define KEYMGR_END_DECLS }
#else
#define KEYMGR_BEGIN_DECLS
#define KEYMGR_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define KEYMGR_API __attribute__((visibility("default")))
#define KEYMGR_MUST_USE __attribute__((warn_unused_result))
#else
#define KEYMGR_API
#define KEYMGR_MUST_USE
#endif

#endif
