// SPDX-License-Identifier: GPL-2.0
/* Tests of what goes through sockets of QEMU's: its monitor, and interrupts. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "irq.h"
#include "monitor.h"
#include "regs.h"
#include "test.h"

#define PROMPT "(qemu) "

static char path[64];

static int listen_at_path(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof(path), "/tmp/igpu-test-%d", getpid());
	unlink(path);
	strcpy(name.sun_path, path);
	check(!bind(fd, (struct sockaddr *)&name, sizeof(name)) && !listen(fd, 1));
	return fd;
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
}

/* A monitor that gives one answer to one question, and goes */
static pid_t start_monitor(const char *greeting, const char *answer)
{
	int fd = listen_at_path(), client;
	char question[100];
	pid_t pid = fork();

	if (!pid) {
		client = accept(fd, NULL, NULL);
		say(client, greeting);
		if (read(client, question, sizeof(question)) > 0)
			say(client, answer);
		_exit(0);
	}
	close(fd);
	return pid;
}

static bool ask(const char *greeting, const char *answer, uint64_t *value)
{
	pid_t pid = start_monitor(greeting, answer);
	bool good;

	monitor_use(path);
	good = monitor_read(0xfed80000, value);
	monitor_use(NULL);
	waitpid(pid, NULL, 0);
	unlink(path);
	return good;
}

static void monitor_answers(void)
{
	uint64_t value = 0;

	check(ask("QEMU 7.2.0 monitor\r\n" PROMPT,
		  "xp /1gx 0xfed80000\r\n00000000fed80000: 0x123456789a\r\n" PROMPT, &value));
	equal(value, 0x123456789a);
}

static void monitor_does_not_answer(void)
{
	uint64_t value;

	check(!ask("QEMU\r\n" PROMPT, "Cannot access memory\r\n" PROMPT, &value));
	check(!ask("QEMU\r\n" PROMPT, "", &value));
	check(!ask("not a monitor", "", &value));
	monitor_use("/nowhere/at/all");
	check(!monitor_read(0, &value));
	check(!monitor_read(0, &value));
	monitor_use(NULL);
	check(!monitor_read(0, &value));
}

/* Only what is unmasked and enabled raises the line. */
static void interrupts_are_bytes(void)
{
	int fd = listen_at_path(), client;
	char bytes[8];

	irq_use(path);
	irq_raise(GPU_RCS, IRQ_USER);
	set_reg(GT_IER(0), ~0U);
	irq_raise(GPU_RCS, IRQ_USER);
	set_reg(MASTER_IRQ, 1U << 31);
	irq_raise(GPU_BCS, IRQ_CONTEXT_SWITCH);
	set_reg(GT_IIR(0), ~0U);
	set_reg(MASTER_IRQ, 1U << 31);
	client = accept(fd, NULL, NULL);
	equal(recv(client, bytes, sizeof(bytes), MSG_DONTWAIT), 2);
	equal(control(GPU_COUNTER(GPU_INTERRUPTS)), 2);
	irq_use(NULL);
	close(client);
	close(fd);
	unlink(path);
}

static void nobody_takes_interrupts(void)
{
	irq_use("/nowhere/at/all");
	set_reg(GT_IER(0), ~0U);
	set_reg(MASTER_IRQ, 1U << 31);
	irq_raise(GPU_RCS, IRQ_USER);
	irq_raise(GPU_RCS, IRQ_USER);
	equal(control(GPU_COUNTER(GPU_INTERRUPTS)), 0);
	irq_use(NULL);
}

const struct test socket_tests[] = {
	{ "sockets: the monitor answers", monitor_answers },
	{ "sockets: the monitor does not answer", monitor_does_not_answer },
	{ "sockets: interrupts are bytes", interrupts_are_bytes },
	{ "sockets: nobody takes interrupts", nobody_takes_interrupts },
	{ NULL, NULL },
};
