/* What a term says of its options. */
#include "losses/loss.h"

#include <math.h>
#include <string.h>

int kin_loss_option(const kin_loss *l, const char *name)
{
    for (int i = 0; l->params[i].name; i++)
        if (strcmp(l->params[i].name, name) == 0) return i;
    return -1;
}

double kin_term_value(const kin_loss_term *t, const char *option)
{
    int i = kin_loss_option(t->loss, option);
    return i < 0 ? NAN : t->value[i];
}

double kin_term_value_or(const kin_loss_term *t, const char *option, double other)
{
    int i = kin_loss_option(t->loss, option);
    return i < 0 ? other : t->value[i];
}
