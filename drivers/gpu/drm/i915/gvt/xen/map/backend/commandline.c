// SPDX-License-Identifier: GPL-2.0
/*
 * What Xen's command line says about dom0's IOMMU. No call tells a PV dom0 the mode of its IOMMU,
 * but Xen shows it the command line.
 *
 * The line is parsed as Xen does it (parse_params(), parse_iommu_param(), parse_dom0_iommu_param(),
 * parse_boolean()): blanks separate options, and commas separate the words of an option. A boolean
 * is negated by "no-" or has a value. The last word counts.
 *
 * Locking: none.
 */

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/interface/xen.h>
#include <xen/interface/version.h>
#include <asm/xen/hypercall.h>

#include "backend/commandline.h"

/* The values of the options that matter here */
struct iommu_options {
	int enabled;
	int strict;
};

/* As Xen's parse_bool(). Returns 0, 1, or -1 if @s is not a boolean. */
static int parse_bool(const char *s)
{
	static const char * const values[2][6] = {
		{ "0", "no", "off", "false", "disable", NULL },
		{ "1", "on", "yes", "true", "enable", NULL },
	};
	unsigned int value, i;

	for (value = 0; value < ARRAY_SIZE(values); value++) {
		for (i = 0; values[value][i]; i++) {
			if (!strcmp(s, values[value][i]))
				return value;
		}
	}
	return -1;
}

/* As Xen's parse_boolean(). Sets *@value if @word is the boolean @name. */
static void read_boolean(const char *word, const char *name, int *value)
{
	bool negated = !strncmp(word, "no-", 3);
	size_t len = strlen(name);
	int parsed;

	if (negated)
		word += 3;
	if (strncmp(word, name, len))
		return;
	word += len;
	if (!*word)
		*value = !negated;
	if (negated || *word != '=')
		return;
	parsed = parse_bool(word + 1);
	if (parsed >= 0)
		*value = parsed;
}

static void read_iommu(char *words, struct iommu_options *options)
{
	char *word;

	while ((word = strsep(&words, ","))) {
		if (parse_bool(word) >= 0)
			options->enabled = parse_bool(word);
		read_boolean(word, "dom0-strict", &options->strict);
	}
}

static void read_dom0_iommu(char *words, struct iommu_options *options)
{
	char *word;

	while ((word = strsep(&words, ",")))
		read_boolean(word, "strict", &options->strict);
}

/* As Xen's parse_params(), for the options that matter here. Modifies @line. */
static void read_line(char *line, struct iommu_options *options)
{
	char *option, *value;

	while ((option = strsep(&line, " "))) {
		value = strchr(option, '=');
		if (value)
			*value++ = '\0';
		if (!strcmp(option, "no-iommu") && (!value || !*value))
			options->enabled = false;
		else if (!strcmp(option, "iommu") && value)
			read_iommu(value, options);
		else if (!strcmp(option, "dom0-iommu") && value)
			read_dom0_iommu(value, options);
	}
}

/*
 * Is dom0's IOMMU strict, by Xen's command line? Returns 1 or 0, or an error if that is not known:
 * -ENOMEM, -E2BIG if the line is too long for Xen to show all of it, or Xen's error.
 */
static int iommu_is_strict(void)
{
	struct iommu_options options = { .enabled = true };
	struct xen_commandline *line = kzalloc(sizeof(*line), GFP_KERNEL);
	int rc;

	if (!line)
		return -ENOMEM;
	rc = HYPERVISOR_xen_version(XENVER_commandline, line);
	if (!rc && strnlen(line->buf, sizeof(line->buf)) >= sizeof(line->buf) - 1)
		rc = -E2BIG;
	if (!rc)
		read_line(line->buf, &options);
	kfree(line);
	return rc ?: options.enabled && options.strict;
}

/*
 * Does dom0's IOMMU let devices reach guests' pages? Returns 0 if it does. Otherwise, or if that is
 * not known, returns an error and sets *@why to the reason in words.
 */
int xen_gpu_iommu_lets_through(const char **why)
{
	int strict = iommu_is_strict();

	if (!strict)
		return 0;
	if (strict > 0) {
		*why = "dom0's IOMMU is strict: guests' pages are never in it (use a PVH dom0)";
		return -ENODEV;
	}
	*why = "Xen's command line, which says whether dom0's IOMMU is strict, cannot be read";
	return strict;
}
