#include "nn/files/pickle.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

/* Every opcode makes at most one node, so memory is bounded by the pickle's length; these bounds are far
 * above any network. */
enum { NODES_MAX = 1 << 20, MEMO_MAX = 1 << 20, STACK_MAX = 1 << 20, NAME_MAX_LENGTH = 200 };

typedef kin_pickle node;

typedef struct machine {
    const uint8_t *at, *begin, *end;
    bool (*known)(const char *global);
    kin_arena *arena;
    kin_error *err;
    node **stack, **memo, *last_persistent;
    size_t depth, stack_capacity;
    size_t *marks, n_marks, marks_capacity;
    size_t memo_size, next_memo, nodes;
} machine;

static bool fail(machine *m, const char *what)
{
    kin_fail(m->err, KIN_ERR_DATA, "malformed pickle at byte %zu: %s", (size_t)(m->at - m->begin), what);
    return false;
}

static bool no_memory(machine *m)
{
    kin_fail_memory(m->err, "a pickle's objects", m->nodes * sizeof(node));
    return false;
}

static node *make(machine *m, kin_pickle_kind kind)
{
    if (++m->nodes > NODES_MAX) return fail(m, "it makes more objects than any network has"), NULL;
    node *n = kin_arena_alloc_zero(m->arena, sizeof *n);
    if (n) n->kind = kind;
    else no_memory(m);
    return n;
}

static bool push(machine *m, node *n)
{
    if (!n) return false;
    if (m->depth == STACK_MAX) return fail(m, "its stack grows too high");
    if (!kin_grow((void **)&m->stack, m->depth, &m->stack_capacity, sizeof *m->stack)) return no_memory(m);
    m->stack[m->depth++] = n;
    return true;
}

/* What lies above the last mark. */
static size_t floor_of(const machine *m) { return m->n_marks ? m->marks[m->n_marks - 1] : 0; }

static node *pop(machine *m)
{
    if (m->depth <= floor_of(m)) return fail(m, "its stack is empty"), NULL;
    return m->stack[--m->depth];
}

static node *top(machine *m)
{
    if (m->depth <= floor_of(m)) return fail(m, "its stack is empty"), NULL;
    return m->stack[m->depth - 1];
}

static bool mark(machine *m)
{
    if (m->n_marks == STACK_MAX) return fail(m, "its stack grows too high");
    if (!kin_grow((void **)&m->marks, m->n_marks, &m->marks_capacity, sizeof *m->marks)) return no_memory(m);
    m->marks[m->n_marks++] = m->depth;
    return true;
}

/* Takes away the last mark and what lies above it: *items, valid until the next push. */
static bool pop_mark(machine *m, node ***items, size_t *count)
{
    if (!m->n_marks) return fail(m, "a mark is missing");
    size_t at = m->marks[--m->n_marks];
    *items = m->stack ? m->stack + at : NULL;
    *count = m->depth - at;
    m->depth = at;
    return true;
}

static bool append(machine *m, node *to, node *const *items, size_t count)
{
    if (to->count + count > to->capacity) {
        size_t capacity = to->capacity * 2 > to->count + count ? to->capacity * 2 : to->count + count;
        node **wider = kin_arena_alloc(m->arena, capacity * sizeof *wider);
        if (!wider) return no_memory(m);
        if (to->count) memcpy(wider, to->items, to->count * sizeof *wider);
        to->items = wider;
        to->capacity = capacity;
    }
    if (count) memcpy(to->items + to->count, items, count * sizeof *items);
    to->count += count;
    return true;
}

static bool take(machine *m, size_t size, const uint8_t **bytes)
{
    if ((size_t)(m->end - m->at) < size) return fail(m, "it is cut off");
    *bytes = m->at;
    m->at += size;
    return true;
}

static bool take_number(machine *m, size_t size, uint64_t *out)
{
    const uint8_t *bytes;
    if (!take(m, size, &bytes)) return false;
    *out = 0;
    for (size_t i = size; i-- > 0;) *out = *out << 8 | bytes[i];
    return true;
}

static bool take_length(machine *m, size_t width, size_t *length)
{
    uint64_t number;
    if (!take_number(m, width, &number)) return false;
    if (number > (uint64_t)(m->end - m->at))
        return fail(m, "a length in it is greater than what is left of it");
    *length = (size_t)number;
    return true;
}

static node *text_node(machine *m, kin_pickle_kind kind, const void *bytes, size_t length)
{
    node *n = make(m, kind);
    char *copy = n ? kin_arena_alloc(m->arena, length + 1) : NULL;
    if (!copy) return n ? (no_memory(m), NULL) : NULL;
    if (length) memcpy(copy, bytes, length);
    copy[length] = '\0';
    n->text = copy;
    n->length = length;
    return n;
}

static bool push_text(machine *m, size_t width)
{
    size_t length;
    const uint8_t *bytes;
    return take_length(m, width, &length) && take(m, length, &bytes) &&
           push(m, text_node(m, KIN_PICKLE_TEXT, bytes, length));
}

static bool push_integer(machine *m, kin_pickle_kind kind, int64_t value)
{
    node *n = make(m, kind);
    if (n) n->integer = value;
    return push(m, n);
}

static bool push_fixed(machine *m, size_t width)
{
    uint64_t number;
    if (!take_number(m, width, &number)) return false;
    return push_integer(m, KIN_PICKLE_INT, width == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number);
}

static bool push_long(machine *m, size_t width)
{
    size_t length;
    const uint8_t *bytes;
    if (!take_length(m, width, &length) || !take(m, length, &bytes)) return false;
    if (length > 8) return push(m, text_node(m, KIN_PICKLE_LONG, bytes, length));
    uint64_t value = length && bytes[length - 1] & 128 ? UINT64_MAX : 0;
    for (size_t i = length; i-- > 0;) value = value << 8 | bytes[i];
    return push_integer(m, KIN_PICKLE_INT, (int64_t)value);
}

/* Big-endian, of all things. */
static bool push_real(machine *m)
{
    const uint8_t *bytes;
    uint64_t bits = 0;
    if (!take(m, 8, &bytes)) return false;
    for (int i = 0; i < 8; i++) bits = bits << 8 | bytes[i];
    node *n = make(m, KIN_PICKLE_REAL);
    if (n) memcpy(&n->real, &bits, sizeof n->real);
    return push(m, n);
}

static bool push_global(machine *m, const char *module, size_t module_length, const char *name,
                        size_t name_length)
{
    char full[2 * NAME_MAX_LENGTH + 2];
    if (module_length > NAME_MAX_LENGTH || name_length > NAME_MAX_LENGTH)
        return fail(m, "it refers to something with an overlong name");
    int length = snprintf(full, sizeof full, "%.*s.%.*s", (int)module_length, module, (int)name_length, name);
    if (!m->known(full))
        return kin_fail(m->err, KIN_ERR_DATA,
                        "refers to %s, which kin does not know; kin reads state dicts only "
                        "(torch.save(model.state_dict(), ..)) and runs nothing",
                        full);
    return push(m, text_node(m, KIN_PICKLE_GLOBAL, full, (size_t)length));
}

static bool take_line(machine *m, const char **line, size_t *length)
{
    const uint8_t *end = memchr(m->at, '\n', (size_t)(m->end - m->at));
    if (!end) return fail(m, "it is cut off");
    *line = (const char *)m->at;
    *length = (size_t)(end - m->at);
    m->at = end + 1;
    return true;
}

static bool global_of_lines(machine *m)
{
    const char *module, *name;
    size_t module_length, name_length;
    return take_line(m, &module, &module_length) && take_line(m, &name, &name_length) &&
           push_global(m, module, module_length, name, name_length);
}

static bool global_of_stack(machine *m)
{
    node *name = pop(m), *module = name ? pop(m) : NULL;
    if (!module) return false;
    if (name->kind != KIN_PICKLE_TEXT || module->kind != KIN_PICKLE_TEXT)
        return fail(m, "a global without a name");
    return push_global(m, module->text, module->length, name->text, name->length);
}

static bool push_tuple(machine *m, size_t count)
{
    if (m->depth - floor_of(m) < count) return fail(m, "its stack is empty");
    node *n = make(m, KIN_PICKLE_TUPLE);
    /* without items there may be no stack yet */
    if (!n || (count && !append(m, n, m->stack + m->depth - count, count))) return false;
    m->depth -= count;
    return push(m, n);
}

/* TUPLE, LIST, DICT, FROZENSET: everything above the mark. */
static bool push_marked(machine *m, kin_pickle_kind kind)
{
    node **items, *n = make(m, kind);
    size_t count;
    if (!n || !pop_mark(m, &items, &count)) return false;
    if (kind == KIN_PICKLE_DICT && count % 2) return fail(m, "a key without a value");
    return (!count || append(m, n, items, count)) && push(m, n);
}

static bool is_open(const node *n, bool pairs)
{
    return n->kind == KIN_PICKLE_CALL || n->kind == (pairs ? KIN_PICKLE_DICT : KIN_PICKLE_LIST);
}

/* APPEND(S), SETITEM(S), ADDITEMS: into what lies below. */
static bool put(machine *m, bool marked, bool pairs)
{
    node **items;
    size_t count = pairs ? 2 : 1;
    if (marked) {
        if (!pop_mark(m, &items, &count)) return false;
    } else {
        if (m->depth - floor_of(m) < count) return fail(m, "its stack is empty");
        m->depth -= count;
        items = m->stack + m->depth;
    }
    node *to = top(m);
    if (!to) return false;
    if (!is_open(to, pairs)) return fail(m, "items for something that holds none");
    if (pairs && count % 2) return fail(m, "a key without a value");
    return append(m, to, items, count);
}

/* Python 2 made an OrderedDict of a list of pairs. */
static bool spread_pairs(machine *m, node *n)
{
    if (!kin_pickle_is_call(n, "collections.OrderedDict", 1) || n->args->items[0]->kind != KIN_PICKLE_LIST)
        return true;
    const node *pairs = n->args->items[0];
    for (size_t i = 0; i < pairs->count; i++) {
        const node *pair = pairs->items[i];
        if (pair->kind != KIN_PICKLE_LIST && pair->kind != KIN_PICKLE_TUPLE)
            return fail(m, "a dictionary of something other than pairs");
        if (pair->count != 2) return fail(m, "a dictionary of something other than pairs");
        if ((m->nodes += 2) > NODES_MAX) return fail(m, "it makes more objects than any network has");
        if (!append(m, n, pair->items, 2)) return false;
    }
    return true;
}

static bool call(machine *m, bool keywords)
{
    node *extra = keywords ? pop(m) : NULL, *args = pop(m), *callee = args ? pop(m) : NULL,
         *n = callee ? make(m, KIN_PICKLE_CALL) : NULL;
    if (!n || (keywords && !extra)) return false;
    if (callee->kind != KIN_PICKLE_GLOBAL || args->kind != KIN_PICKLE_TUPLE)
        return fail(m, "a call of something that is no function");
    n->callee = callee;
    n->args = args;
    return spread_pairs(m, n) && push(m, n);
}

static bool build(machine *m)
{
    node *state = pop(m), *to = state ? top(m) : NULL;
    if (!to) return false;
    if (to->kind != KIN_PICKLE_CALL) return fail(m, "a state for something that has none");
    to->state = state;
    return true;
}

static bool persistent(machine *m)
{
    node *id = pop(m), *n = id ? make(m, KIN_PICKLE_PERSISTENT) : NULL;
    if (!n) return false;
    n->args = id;
    n->state = m->last_persistent;
    m->last_persistent = n;
    return push(m, n);
}

static bool memo_put(machine *m, uint64_t index)
{
    node *n = top(m);
    if (!n) return false;
    if (index >= MEMO_MAX) return fail(m, "its memory grows too large");
    if (index >= m->memo_size) {
        size_t wider = (size_t)index * 2 + 64;
        node **moved = kin_realloc(m->memo, m->memo_size * sizeof *moved, wider * sizeof *moved);
        if (!moved) return no_memory(m);
        memset(moved + m->memo_size, 0, (wider - m->memo_size) * sizeof *moved);
        m->memo = moved;
        m->memo_size = wider;
    }
    m->memo[index] = n;
    return true;
}

static bool memo_get(machine *m, size_t width)
{
    uint64_t index;
    if (!take_number(m, width, &index)) return false;
    if (index >= m->memo_size || !m->memo[index]) return fail(m, "it recalls what it never kept");
    return push(m, m->memo[index]);
}

static bool memo_put_at(machine *m, size_t width)
{
    uint64_t index;
    return take_number(m, width, &index) && memo_put(m, index);
}

static bool skip(machine *m, size_t size)
{
    const uint8_t *bytes;
    return take(m, size, &bytes);
}

static bool protocol(machine *m)
{
    uint64_t version;
    if (!take_number(m, 1, &version)) return false;
    return (version >= 2 && version <= 5) ||
           kin_fail(m->err, KIN_ERR_DATA, "a pickle of protocol %d; 2 to 5 are read", (int)version);
}

static bool pop_marked(machine *m)
{
    node **items;
    size_t count;
    return pop_mark(m, &items, &count);
}

/* POP takes a mark away when one is on top. */
static bool drop(machine *m)
{
    if (m->n_marks && m->marks[m->n_marks - 1] == m->depth) return m->n_marks--, true;
    return pop(m) != NULL;
}

static bool step(machine *m, int opcode)
{
    switch (opcode) {
    case 0x80: return protocol(m);
    case 0x95: return skip(m, 8); /* FRAME: a hint for buffers */
    case '(': return mark(m);
    case '0': return drop(m);
    case '1': return pop_marked(m);
    case '2': return push(m, top(m));
    case 'N': return push_integer(m, KIN_PICKLE_NONE, 0);
    case 0x88: return push_integer(m, KIN_PICKLE_BOOL, 1);
    case 0x89: return push_integer(m, KIN_PICKLE_BOOL, 0);
    case 'J': return push_fixed(m, 4);
    case 'K': return push_fixed(m, 1);
    case 'M': return push_fixed(m, 2);
    case 0x8a: return push_long(m, 1);
    case 0x8b: return push_long(m, 4);
    case 'G': return push_real(m);
    case 'U':
    case 'C':
    case 0x8c: return push_text(m, 1);
    case 'T':
    case 'B':
    case 'X': return push_text(m, 4);
    case 0x8d:
    case 0x8e:
    case 0x96: return push_text(m, 8);
    case ')': return push_tuple(m, 0);
    case 0x85: return push_tuple(m, 1);
    case 0x86: return push_tuple(m, 2);
    case 0x87: return push_tuple(m, 3);
    case 't': return push_marked(m, KIN_PICKLE_TUPLE);
    case ']':
    case 0x8f: return push(m, make(m, KIN_PICKLE_LIST));
    case 'l':
    case 0x91: return push_marked(m, KIN_PICKLE_LIST);
    case '}': return push(m, make(m, KIN_PICKLE_DICT));
    case 'd': return push_marked(m, KIN_PICKLE_DICT);
    case 'a': return put(m, false, false);
    case 'e':
    case 0x90: return put(m, true, false);
    case 's': return put(m, false, true);
    case 'u': return put(m, true, true);
    case 'h': return memo_get(m, 1);
    case 'j': return memo_get(m, 4);
    case 'q': return memo_put_at(m, 1);
    case 'r': return memo_put_at(m, 4);
    case 0x94: return memo_put(m, m->next_memo++);
    case 'c': return global_of_lines(m);
    case 0x93: return global_of_stack(m);
    case 'R':
    case 0x81: return call(m, false); /* REDUCE, NEWOBJ */
    case 0x92: return call(m, true);  /* NEWOBJ_EX */
    case 'b': return build(m);
    case 'Q': return persistent(m);
    default:
        return kin_fail(m->err, KIN_ERR_DATA,
                        "malformed pickle at byte %zu: opcode 0x%02x is none of those that PyTorch writes",
                        (size_t)(m->at - m->begin) - 1, (unsigned)opcode);
    }
}

static const node *run(machine *m)
{
    if (m->at == m->end || *m->at != 0x80) return fail(m, "it does not begin with its protocol"), NULL;
    while (m->at < m->end) {
        int opcode = *m->at++;
        if (opcode == '.') return pop(m);
        if (!step(m, opcode)) return NULL;
    }
    return fail(m, "it is cut off"), NULL;
}

const kin_pickle *kin_pickle_parse(const uint8_t *bytes, size_t size, size_t *used,
                                   bool (*known)(const char *global), const kin_pickle **last,
                                   kin_arena *arena, kin_error *err)
{
    machine m = {
        .at = bytes, .begin = bytes, .end = bytes + size, .known = known, .arena = arena, .err = err};
    const node *result = run(&m);
    *used = (size_t)(m.at - bytes);
    if (last) *last = m.last_persistent;
    kin_free(m.stack);
    kin_free(m.memo);
    kin_free(m.marks);
    return result;
}

bool kin_pickle_is(const kin_pickle *p, const char *global)
{
    return p && p->kind == KIN_PICKLE_GLOBAL && strcmp(p->text, global) == 0;
}

bool kin_pickle_is_call(const kin_pickle *p, const char *global, size_t least_args)
{
    return p && p->kind == KIN_PICKLE_CALL && kin_pickle_is(p->callee, global) &&
           p->args->count >= least_args;
}

bool kin_pickle_is_dict(const kin_pickle *p)
{
    return p && (p->kind == KIN_PICKLE_DICT || kin_pickle_is_call(p, "collections.OrderedDict", 0));
}

const kin_pickle *kin_pickle_get(const kin_pickle *dict, const char *key)
{
    const kin_pickle *found = NULL;
    for (size_t i = 0; kin_pickle_is_dict(dict) && i + 1 < dict->count; i += 2)
        if (dict->items[i]->kind == KIN_PICKLE_TEXT && strcmp(dict->items[i]->text, key) == 0)
            found = dict->items[i + 1];
    return found;
}
