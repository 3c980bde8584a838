/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small tool with a command for each thing that tools/cli can do. Tests call it in the process;
 * democli runs it as one.
 */
#ifndef TESTS_TOOLS_DEMO_TREE_H
#define TESTS_TOOLS_DEMO_TREE_H

#include "tools/cli/cli.h"

extern const struct cli_tool demo_tool;

#endif
