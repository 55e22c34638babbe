// SPDX-License-Identifier: GPL-2.0
/*
 * What Xen's command line says about dom0's IOMMU: no call tells its mode to a PV dom0, but Xen
 * shows it the line. It is read as Xen reads it (parse_params(), parse_iommu_param(),
 * parse_dom0_iommu_param(), parse_boolean()): options are separated by blanks, what is in them by
 * commas, a boolean is turned round by "no-" or has a value, and the last word counts.
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

#include "backend.h"

/* What the options that matter here come to */
struct iommu_options {
	int enabled;
	int strict;
};

/* parse_bool(): 0, 1, or -1 if it is none. */
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

/* parse_boolean(): sets *value if the word is the boolean of this name. */
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

/* parse_params(), as far as it matters here. Takes the line apart. */
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
 * Is dom0's IOMMU strict, by Xen's command line? 1 or 0; or an error if that cannot be told:
 * -ENOMEM, -E2BIG if Xen did not show all of a long line, or what Xen says.
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
 * Does dom0's IOMMU let devices reach guests' pages? 0, or an error with the reason in words. What
 * cannot be told is not taken for a yes.
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
