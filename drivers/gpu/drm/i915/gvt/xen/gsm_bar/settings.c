// SPDX-License-Identifier: GPL-2.0
/*
 * Where devices' GGTTs are and how they are invalidated, in configfs:
 * /sys/kernel/config/xengt_bar/DEVICE/. Documentation/xengt-gsm.rst documents the attributes.
 *
 * A device without a directory has the settings of gen8 and gen9. Whether settings fit the device
 * is checked when its GGTT is mapped.
 *
 * Invariants: settings do not change while the device's GGTT is in use. A directory that is made
 * meanwhile has the settings in use.
 *
 * Locking: settings_lock protects the lists and all settings of directories. It is taken under the
 * locks of configfs and under that of the devices, and no other lock under it.
 */

#include <linux/configfs.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "settings.h"

#define MAX_ENTRIES	SZ_16M

/**
 * struct xengt_bar_item - the directory of a device
 * @item: configfs' part; its last reference frees this
 * @link: in the list of directories
 * @settings: the settings
 */
struct xengt_bar_item {
	struct config_item item;
	struct list_head link;
	struct xengt_bar_settings settings;
};

/* gen8 and gen9: GFX_FLSH_CNTL, and the TLBs of the engines RCS, VCS, VCS2, BCS and VECS. */
static const struct xengt_bar_settings defaults = {
	.bar = 0,
	.offset = SZ_8M,
	.entries = SZ_8M / sizeof(u64),
	.mappable_entries = SZ_256M / SZ_4K,
	.entry_size = sizeof(u64),
	.write_combining = true,
	.fences = 32,
	.dma_bits = 39,
	.invalidate_bar = 0,
	.invalidate_register = 0x101008,
	.invalidate_value = 1,
	.nr_tlbs = 5,
	.tlbs = { 0x4260, 0x4264, 0x4268, 0x426c, 0x4270 },
};

static DEFINE_MUTEX(settings_lock); /* protects the lists and all settings of directories */
static LIST_HEAD(items);
static LIST_HEAD(users);

static struct xengt_bar_item *to_item(struct config_item *item)
{
	return container_of(item, struct xengt_bar_item, item);
}

static struct xengt_bar_user *user_of(const char *device)
{
	struct xengt_bar_user *user;

	lockdep_assert_held(&settings_lock);
	list_for_each_entry(user, &users, link) {
		if (!strcmp(user->device, device))
			return user;
	}
	return NULL;
}

/* Returns the directory's settings, to change them; NULL if the device's are in use. */
static struct xengt_bar_settings *begin_store(struct config_item *item)
{
	mutex_lock(&settings_lock);
	if (!user_of(config_item_name(item)))
		return &to_item(item)->settings;
	mutex_unlock(&settings_lock);
	return NULL;
}

static void end_store(void)
{
	mutex_unlock(&settings_lock);
}

static int store_u64(struct config_item *item, size_t field, u64 max, const char *page)
{
	struct xengt_bar_settings *settings;
	u64 value;
	int rc = kstrtou64(page, 0, &value);

	if (rc)
		return rc;
	if (value > max)
		return -ERANGE;
	settings = begin_store(item);
	if (!settings)
		return -EBUSY;
	*(u64 *)((char *)settings + field) = value;
	end_store();
	return 0;
}

static int store_u32(struct config_item *item, size_t field, u32 max, const char *page)
{
	struct xengt_bar_settings *settings;
	u32 value;
	int rc = kstrtou32(page, 0, &value);

	if (rc)
		return rc;
	if (value > max)
		return -ERANGE;
	settings = begin_store(item);
	if (!settings)
		return -EBUSY;
	*(u32 *)((char *)settings + field) = value;
	end_store();
	return 0;
}

/* Show and store an attribute that is a number, from 0 to _max. */
#define SETTING_SHOW(_name, _format)							\
static ssize_t _name##_show(struct config_item *item, char *page)			\
{											\
	return sysfs_emit(page, _format "\n", to_item(item)->settings._name);		\
}

#define SETTING_STORE(_name, _type, _max)						\
static ssize_t _name##_store(struct config_item *item, const char *page, size_t len)	\
{											\
	size_t field = offsetof(struct xengt_bar_settings, _name);			\
											\
	return store_##_type(item, field, _max, page) ?: len;				\
}

SETTING_SHOW(bar, "%u")
SETTING_STORE(bar, u32, PCI_STD_NUM_BARS - 1)
CONFIGFS_ATTR(, bar);

SETTING_SHOW(offset, "%#llx")
SETTING_STORE(offset, u64, U64_MAX)
CONFIGFS_ATTR(, offset);

SETTING_SHOW(entries, "%u")
SETTING_STORE(entries, u32, MAX_ENTRIES)
CONFIGFS_ATTR(, entries);

SETTING_SHOW(mappable_entries, "%u")
SETTING_STORE(mappable_entries, u32, MAX_ENTRIES)
CONFIGFS_ATTR(, mappable_entries);

SETTING_SHOW(scratch, "%#llx")
SETTING_STORE(scratch, u64, U64_MAX)
CONFIGFS_ATTR(, scratch);

SETTING_SHOW(fences, "%u")
SETTING_STORE(fences, u32, U32_MAX)
CONFIGFS_ATTR(, fences);

SETTING_SHOW(dma_bits, "%u")
SETTING_STORE(dma_bits, u32, 64)
CONFIGFS_ATTR(, dma_bits);

SETTING_SHOW(incoherent, "%u")
SETTING_STORE(incoherent, u32, 1)
CONFIGFS_ATTR(, incoherent);

SETTING_SHOW(invalidate_bar, "%u")
SETTING_STORE(invalidate_bar, u32, PCI_STD_NUM_BARS - 1)
CONFIGFS_ATTR(, invalidate_bar);

SETTING_SHOW(invalidate_value, "%#x")
SETTING_STORE(invalidate_value, u32, U32_MAX)
CONFIGFS_ATTR(, invalidate_value);

SETTING_SHOW(invalidate_wait_mask, "%#x")
SETTING_STORE(invalidate_wait_mask, u32, U32_MAX)
CONFIGFS_ATTR(, invalidate_wait_mask);

static ssize_t entry_format_show(struct config_item *item, char *page)
{
	bool gen8 = to_item(item)->settings.entry_size == sizeof(u64);

	return sysfs_emit(page, "%s\n", gen8 ? "gen8" : "gen7");
}

static ssize_t entry_format_store(struct config_item *item, const char *page, size_t len)
{
	static const char * const words[] = { "gen7", "gen8" };
	int format = sysfs_match_string(words, page);
	struct xengt_bar_settings *settings;

	if (format < 0)
		return format;
	settings = begin_store(item);
	if (!settings)
		return -EBUSY;
	settings->entry_size = format ? sizeof(u64) : sizeof(u32);
	end_store();
	return len;
}
CONFIGFS_ATTR(, entry_format);

static ssize_t caching_show(struct config_item *item, char *page)
{
	return sysfs_emit(page, "%s\n", to_item(item)->settings.write_combining ? "wc" : "uc");
}

static ssize_t caching_store(struct config_item *item, const char *page, size_t len)
{
	static const char * const words[] = { "uc", "wc" };
	int caching = sysfs_match_string(words, page);
	struct xengt_bar_settings *settings;

	if (caching < 0)
		return caching;
	settings = begin_store(item);
	if (!settings)
		return -EBUSY;
	settings->write_combining = caching;
	end_store();
	return len;
}
CONFIGFS_ATTR(, caching);

static ssize_t invalidate_register_show(struct config_item *item, char *page)
{
	u32 reg = to_item(item)->settings.invalidate_register;

	if (reg == XENGT_BAR_NO_REGISTER)
		return sysfs_emit(page, "none\n");
	return sysfs_emit(page, "%#x\n", reg);
}

static ssize_t invalidate_register_store(struct config_item *item, const char *page, size_t len)
{
	size_t field = offsetof(struct xengt_bar_settings, invalidate_register);

	if (sysfs_streq(page, "none"))
		page = "0xffffffff";
	return store_u32(item, field, U32_MAX, page) ?: len;
}
CONFIGFS_ATTR(, invalidate_register);

static ssize_t tlb_registers_show(struct config_item *item, char *page)
{
	const struct xengt_bar_settings *settings = &to_item(item)->settings;
	int len = 0;
	u32 i;

	mutex_lock(&settings_lock);
	for (i = 0; i < settings->nr_tlbs; i++)
		len += sysfs_emit_at(page, len, i ? " %#x" : "%#x", settings->tlbs[i]);
	mutex_unlock(&settings_lock);
	return len + sysfs_emit_at(page, len, len ? "\n" : "none\n");
}

/* Numbers with spaces or commas between them, or "none". */
static int parse_registers(char *text, u32 *regs, u32 *n)
{
	char *word;
	int rc;

	*n = 0;
	if (sysfs_streq(text, "none"))
		return 0;
	while ((word = strsep(&text, " ,\n"))) {
		if (!*word)
			continue;
		if (*n == XENGT_BAR_MAX_TLBS)
			return -E2BIG;
		rc = kstrtou32(word, 0, &regs[(*n)++]);
		if (rc)
			return rc;
	}
	return 0;
}

static ssize_t tlb_registers_store(struct config_item *item, const char *page, size_t len)
{
	struct xengt_bar_settings *settings;
	u32 regs[XENGT_BAR_MAX_TLBS], n;
	char *text = kstrndup(page, len, GFP_KERNEL);
	int rc;

	if (!text)
		return -ENOMEM;
	rc = parse_registers(text, regs, &n);
	kfree(text);
	if (rc)
		return rc;
	settings = begin_store(item);
	if (!settings)
		return -EBUSY;
	memcpy(settings->tlbs, regs, n * sizeof(*regs));
	settings->nr_tlbs = n;
	end_store();
	return len;
}
CONFIGFS_ATTR(, tlb_registers);

static struct configfs_attribute *device_attrs[] = {
	&attr_bar,
	&attr_offset,
	&attr_entries,
	&attr_mappable_entries,
	&attr_entry_format,
	&attr_caching,
	&attr_scratch,
	&attr_fences,
	&attr_dma_bits,
	&attr_incoherent,
	&attr_invalidate_bar,
	&attr_invalidate_register,
	&attr_invalidate_value,
	&attr_invalidate_wait_mask,
	&attr_tlb_registers,
	NULL,
};

static void release_item(struct config_item *item)
{
	kfree(to_item(item));
}

static struct configfs_item_operations item_ops = {
	.release = release_item,
};

static const struct config_item_type device_type = {
	.ct_item_ops = &item_ops,
	.ct_attrs = device_attrs,
	.ct_owner = THIS_MODULE,
};

/* A directory's name is that of a PCI device, as in /sys/bus/pci/devices. */
static bool is_device_name(const char *name)
{
	unsigned int domain, bus, slot, func;
	char canonical[32];

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &func) != 4)
		return false;
	snprintf(canonical, sizeof(canonical), "%04x:%02x:%02x.%d", domain, bus, slot, func);
	return bus < 256 && slot < 32 && func < 8 && !strcmp(name, canonical);
}

/* mkdir */
static struct config_item *make_item(struct config_group *group, const char *name)
{
	struct xengt_bar_item *item;
	struct xengt_bar_user *user;

	if (!is_device_name(name))
		return ERR_PTR(-EINVAL);
	item = kzalloc(sizeof(*item), GFP_KERNEL);
	if (!item)
		return ERR_PTR(-ENOMEM);
	config_item_init_type_name(&item->item, name, &device_type);
	mutex_lock(&settings_lock);
	user = user_of(name);
	item->settings = user ? *user->settings : defaults;
	list_add_tail(&item->link, &items);
	mutex_unlock(&settings_lock);
	return &item->item;
}

/* rmdir: settings that are in use stay in use. */
static void drop_item(struct config_group *group, struct config_item *item)
{
	mutex_lock(&settings_lock);
	list_del(&to_item(item)->link);
	mutex_unlock(&settings_lock);
	config_item_put(item);
}

static struct configfs_group_operations group_ops = {
	.make_item = make_item,
	.drop_item = drop_item,
};

static const struct config_item_type group_type = {
	.ct_group_ops = &group_ops,
	.ct_owner = THIS_MODULE,
};

static struct configfs_subsystem subsystem = {
	.su_group = {
		.cg_item = {
			.ci_namebuf = "xengt_bar",
			.ci_type = &group_type,
		},
	},
};

static struct xengt_bar_item *find_item(const char *device)
{
	struct xengt_bar_item *item;

	lockdep_assert_held(&settings_lock);
	list_for_each_entry(item, &items, link) {
		if (!strcmp(config_item_name(&item->item), device))
			return item;
	}
	return NULL;
}

/*
 * Copies a device's settings, and keeps them from being changed. The arguments stay as they are
 * until xengt_bar_settings_put().
 */
void xengt_bar_settings_get(struct xengt_bar_user *user, const char *device,
			    struct xengt_bar_settings *settings)
{
	struct xengt_bar_item *item;

	mutex_lock(&settings_lock);
	item = find_item(device);
	*settings = item ? item->settings : defaults;
	user->device = device;
	user->settings = settings;
	list_add_tail(&user->link, &users);
	mutex_unlock(&settings_lock);
}

/* Settings that are not in use any more can be changed. */
void xengt_bar_settings_put(struct xengt_bar_user *user)
{
	mutex_lock(&settings_lock);
	list_del(&user->link);
	mutex_unlock(&settings_lock);
}

int xengt_bar_settings_init(void)
{
	config_group_init(&subsystem.su_group);
	mutex_init(&subsystem.su_mutex);
	return configfs_register_subsystem(&subsystem);
}

void xengt_bar_settings_exit(void)
{
	configfs_unregister_subsystem(&subsystem);
}
