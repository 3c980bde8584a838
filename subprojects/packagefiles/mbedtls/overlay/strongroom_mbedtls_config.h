/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Strongroom changes in the default configuration of Mbed TLS. The library and everything that
 * includes its headers must see the same file: it changes the layout of structures.
 */

/* Global state (PSA key slots, entropy) is shared by the threads of the host. */
#define MBEDTLS_THREADING_C
#define MBEDTLS_THREADING_PTHREAD

/* A session is judged once and lives as long as that verdict: nothing that would go on with an old
 * one without asking again. */
#undef MBEDTLS_SSL_RENEGOTIATION
#undef MBEDTLS_SSL_SESSION_TICKETS
#undef MBEDTLS_SSL_TICKET_C
#undef MBEDTLS_SSL_CACHE_C
