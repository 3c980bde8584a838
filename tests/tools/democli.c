/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/demo_tree.h"

int main(int argc, char **argv)
{
    return cli_main(&demo_tool, argc, argv);
}
