#include "kernels/conv/strided_kernels.h"
#include "kernels/isa.h"

KIN_ISA_DECLARE(kin_strided_kernels, kin_strided_kernels);

const kin_strided_kernels *kin_strided_kernels_get(void)
{
    static const kin_strided_kernels *const tables[KIN_ISA_COUNT] = KIN_ISA_TABLES(kin_strided_kernels);
    return tables[kin_isa()];
}
