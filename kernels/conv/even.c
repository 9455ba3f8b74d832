#include "kernels/conv/even_lines.h"
#include "kernels/isa.h"

KIN_ISA_DECLARE(kin_even_lines, kin_even_lines);

const kin_even_lines *kin_even_lines_get(void)
{
    static const kin_even_lines *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_even_lines);
    return tables[kin_isa()];
}
