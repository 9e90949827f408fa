// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU's TCG that counts the instructions that are executed between two
 * marks, by address.
 *
 *	-plugin <path>/counter.so,out=<file>
 *
 * For each marked stretch, it writes a line "stretch <row>" to <file>, followed by a
 * line "<address in hex> <instructions>" for each block of code that was executed.
 *
 *	-plugin <path>/counter.so,stores=<file>
 *
 * writes instead a line "<address of the code> 1 <address of the data>" for each time
 * that an instruction has written to memory, be it a plain or an atomic one.
 *
 * Distributions don't package the header of the plugin interface, so the functions
 * that are used are declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum { QEMU_PLUGIN_CB_NO_REGS };
enum { QEMU_PLUGIN_MEM_W = 2 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
					   void (*cb)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int cpu, void *data),
					  int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int cpu, void *data),
					    int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*cb)(unsigned int cpu, uint32_t info, uint64_t addr,
						 void *data),
				      int flags, int rw, void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 4;
__attribute__((visibility("default"))) int
qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

struct block {
	struct block *next;
	uint64_t addr;
	unsigned long insns, runs;
};

static struct block *blocks;
static FILE *out;
static bool counting, stores;

static void count(unsigned int cpu, void *data)
{
	struct block *block = data;

	if (counting)
		block->runs++;
}

static void store(unsigned int cpu, uint32_t info, uint64_t addr, void *data)
{
	if (counting)
		fprintf(out, "%" PRIxPTR " 1 %" PRIx64 "\n", (uintptr_t)data, addr);
}

static void reset(uintptr_t row)
{
	struct block *block;

	for (block = blocks; block; block = block->next)
		block->runs = 0;
	fprintf(out, "stretch %" PRIuPTR "\n", row);
	counting = true;
}

static void dump(void)
{
	struct block *block;

	counting = false;
	for (block = blocks; block; block = block->next)
		if (block->runs)
			fprintf(out, "%" PRIx64 " %lu\n", block->addr, block->runs * block->insns);
	fflush(out);
}

static void mark(unsigned int cpu, void *data)
{
	uintptr_t row = (uintptr_t)data;

	if (row != MARK_END)
		reset(row);
	else if (counting)
		dump();
}

/* Is this nopl MARK_MAGIC + row(%rax)? */
static bool is_mark(const struct qemu_plugin_insn *insn, uintptr_t *row)
{
	static const unsigned char nopl[] = { 0x0f, 0x1f, 0x80 };
	unsigned char bytes[sizeof(nopl) + sizeof(uint32_t)];
	uint32_t operand;

	if (qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) != sizeof(bytes) ||
	    memcmp(bytes, nopl, sizeof(nopl)))
		return false;

	memcpy(&operand, bytes + sizeof(nopl), sizeof(operand));
	*row = operand & 0xff;
	return (operand & ~0xff) == MARK_MAGIC;
}

static void count_block(struct qemu_plugin_tb *tb)
{
	struct block *block = malloc(sizeof(*block));

	if (!block)
		abort();

	*block = (struct block){
		blocks, qemu_plugin_tb_vaddr(tb), qemu_plugin_tb_n_insns(tb), 0
	};
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count, QEMU_PLUGIN_CB_NO_REGS, block);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;
	uintptr_t row;

	if (!stores)
		count_block(tb);

	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (is_mark(insn, &row))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, QEMU_PLUGIN_CB_NO_REGS,
							       (void *)row);
		else if (stores)
			qemu_plugin_register_vcpu_mem_cb(insn, store, QEMU_PLUGIN_CB_NO_REGS,
							 QEMU_PLUGIN_MEM_W,
							 (void *)qemu_plugin_insn_vaddr(insn));
	}
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	stores = argc == 1 && !strncmp(argv[0], "stores=", 7);
	if (stores || (argc == 1 && !strncmp(argv[0], "out=", 4)))
		out = fopen(strchr(argv[0], '=') + 1, "w");
	if (!out) {
		fputs("counter: name a file to write to: counter.so,out=<file> or stores=<file>\n",
		      stderr);
		return -1;
	}

	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
