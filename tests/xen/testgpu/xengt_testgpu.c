// SPDX-License-Identifier: GPL-2.0
/*
 * A GPU for tests: QEMU's edu device, whose DMA engine copies between memory and 4 KiB of its own.
 *
 * It finds memory as a GPU does, by walking the shadow GTT in the "mem" place, entry by entry, and
 * it holds a walk from the moment it reads an entry until its DMA is over, as a GPU has a
 * translation in use until a GTT invalidate completes.
 *
 * /sys/kernel/debug/xengt_testgpu/command takes one command; the write returns when it is done, or
 * its error:
 *
 *	copy FROM TO LENGTH	FROM and TO are graphics addresses, or bus:ADDRESS for what the
 *				device puts on the bus
 *	fill TO LENGTH BYTE
 *	entry ADDRESS		reads the shadow entry
 *
 * -EFAULT is an entry that is not present, -ENODEV that no virtual GPU exists. "result" has what
 * the last command found.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/uaccess.h>

#include <xen/xengt.h>

#define EDU_VENDOR		0x1234
#define EDU_DEVICE		0x11e8

#define EDU_ID			0x00
#define  EDU_ID_MASK		0xffff
#define  EDU_ID_VALUE		0x00ed
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_CMD		0x98
#define  EDU_DMA_RUN		BIT(0)
#define  EDU_DMA_TO_MEMORY	BIT(1)

#define EDU_BUFFER		0x40000

/* A transfer may not reach the end of the device's 4 KiB, so it goes by halves of a page. */
#define CHUNK			(PAGE_SIZE / 2)

#define DMA_POLL_MS		10
#define DMA_POLLS		3000

#define PTE_PRESENT		BIT_ULL(0)
#define PTE_ADDRESS		GENMASK_ULL(45, 12)

struct testgpu {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct mutex lock;		/* one command at a time */
	struct dentry *dir;
	void *page;			/* what "fill" copies from */
	dma_addr_t page_bus;
	char result[32];
};

/* Where a command reads or writes. */
struct place {
	u64 addr;
	bool bus;
};

static int testgpu_transfer(struct testgpu *gpu, u64 src, u64 dst, u32 len, u32 direction)
{
	int i;

	writeq(src, gpu->regs + EDU_DMA_SRC);
	writeq(dst, gpu->regs + EDU_DMA_DST);
	writeq(len, gpu->regs + EDU_DMA_COUNT);
	writeq(EDU_DMA_RUN | direction, gpu->regs + EDU_DMA_CMD);

	/* Polls are counted, not timed: the clock jumps under emulation. */
	for (i = 0; i < DMA_POLLS; i++) {
		if (!(readq(gpu->regs + EDU_DMA_CMD) & EDU_DMA_RUN))
			return 0;
		msleep(DMA_POLL_MS);
	}

	dev_err(&gpu->pdev->dev, "DMA did not end\n");
	return -ETIMEDOUT;
}

/* The bus address behind a place; for graphics addresses only to be used within a walk. */
static int testgpu_resolve(struct xengt_mem_table *table, const struct place *place, u64 *bus)
{
	u64 pte;

	if (place->bus) {
		*bus = place->addr;
		return 0;
	}

	pte = xengt_mem_entry(table, place->addr & PAGE_MASK);
	if (!(pte & PTE_PRESENT))
		return -EFAULT;

	*bus = (pte & PTE_ADDRESS) | offset_in_page(place->addr);
	return 0;
}

static int testgpu_copy_chunk(struct testgpu *gpu, struct xengt_mem_table *table,
			      const struct place *from, const struct place *to, u32 len)
{
	u64 src, dst;
	int ret;

	if (table)
		xengt_mem_walk_begin(table);

	ret = testgpu_resolve(table, from, &src);
	if (!ret)
		ret = testgpu_transfer(gpu, src, EDU_BUFFER, len, 0);
	if (!ret)
		ret = testgpu_resolve(table, to, &dst);
	if (!ret)
		ret = testgpu_transfer(gpu, EDU_BUFFER, dst, len, EDU_DMA_TO_MEMORY);

	if (table)
		xengt_mem_walk_end(table);

	return ret;
}

static u32 to_page_end(u64 addr)
{
	return PAGE_SIZE - offset_in_page(addr);
}

static int testgpu_copy(struct testgpu *gpu, struct place from, struct place to, u64 len)
{
	struct xengt_mem_table *table = NULL;
	int ret = 0;
	u32 n;

	if (!from.bus || !to.bus) {
		table = xengt_mem_table_get();
		if (IS_ERR(table))
			return PTR_ERR(table);
	}

	while (len && !ret) {
		if (signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		n = min3(to_page_end(from.addr), to_page_end(to.addr), (u32)CHUNK);
		n = min_t(u64, n, len);
		ret = testgpu_copy_chunk(gpu, table, &from, &to, n);
		from.addr += n;
		to.addr += n;
		len -= n;
	}

	if (table)
		xengt_mem_table_put(table);

	return ret;
}

static int testgpu_fill(struct testgpu *gpu, struct place to, u64 len, u8 byte)
{
	struct place from = { .addr = gpu->page_bus, .bus = true };
	int ret = 0;
	u32 n;

	memset(gpu->page, byte, PAGE_SIZE);
	while (len && !ret) {
		n = min_t(u64, len, to_page_end(to.addr));
		ret = testgpu_copy(gpu, from, to, n);
		to.addr += n;
		len -= n;
	}

	return ret;
}

static int testgpu_look(struct testgpu *gpu, u64 addr)
{
	struct xengt_mem_table *table = xengt_mem_table_get();

	if (IS_ERR(table))
		return PTR_ERR(table);

	xengt_mem_walk_begin(table);
	scnprintf(gpu->result, sizeof(gpu->result), "0x%llx\n", xengt_mem_entry(table, addr));
	xengt_mem_walk_end(table);
	xengt_mem_table_put(table);

	return 0;
}

static int testgpu_parse_place(const char *text, struct place *place)
{
	place->bus = !strncmp(text, "bus:", 4);
	return kstrtou64(place->bus ? text + 4 : text, 0, &place->addr);
}

static int testgpu_run(struct testgpu *gpu, const char *command)
{
	char a[32], b[32], c[32];
	struct place from, to;
	u64 len;
	u8 byte;

	gpu->result[0] = 0;

	if (sscanf(command, "copy %31s %31s %31s", a, b, c) == 3) {
		if (testgpu_parse_place(a, &from) || testgpu_parse_place(b, &to) ||
		    kstrtou64(c, 0, &len))
			return -EINVAL;
		return testgpu_copy(gpu, from, to, len);
	}

	if (sscanf(command, "fill %31s %31s %31s", a, b, c) == 3) {
		if (testgpu_parse_place(a, &to) || kstrtou64(b, 0, &len) || kstrtou8(c, 0, &byte))
			return -EINVAL;
		return testgpu_fill(gpu, to, len, byte);
	}

	if (sscanf(command, "entry %31s", a) == 1) {
		if (testgpu_parse_place(a, &from) || from.bus)
			return -EINVAL;
		return testgpu_look(gpu, from.addr);
	}

	return -EINVAL;
}

static ssize_t testgpu_command_write(struct file *file, const char __user *ubuf, size_t count,
				     loff_t *pos)
{
	struct testgpu *gpu = file->private_data;
	char command[128];
	int ret;

	if (count >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, ubuf, count))
		return -EFAULT;
	command[count] = 0;

	if (mutex_lock_interruptible(&gpu->lock))
		return -EINTR;
	ret = testgpu_run(gpu, command);
	mutex_unlock(&gpu->lock);

	return ret ?: count;
}

static const struct file_operations testgpu_command_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = testgpu_command_write,
};

static ssize_t testgpu_result_read(struct file *file, char __user *ubuf, size_t count, loff_t *pos)
{
	struct testgpu *gpu = file->private_data;
	char result[sizeof(gpu->result)];

	if (mutex_lock_interruptible(&gpu->lock))
		return -EINTR;
	memcpy(result, gpu->result, sizeof(result));
	mutex_unlock(&gpu->lock);

	return simple_read_from_buffer(ubuf, count, pos, result, strlen(result));
}

static const struct file_operations testgpu_result_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = testgpu_result_read,
};

static int testgpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct testgpu *gpu;
	int ret;

	gpu = devm_kzalloc(&pdev->dev, sizeof(*gpu), GFP_KERNEL);
	if (!gpu)
		return -ENOMEM;

	gpu->pdev = pdev;
	mutex_init(&gpu->lock);

	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;

	ret = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (ret)
		return ret;

	gpu->regs = pcim_iomap_table(pdev)[0];
	if ((readl(gpu->regs + EDU_ID) & EDU_ID_MASK) != EDU_ID_VALUE)
		return -ENODEV;

	/* As wide as a GPU's. */
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(39));
	if (ret)
		return ret;

	gpu->page = dmam_alloc_coherent(&pdev->dev, PAGE_SIZE, &gpu->page_bus, GFP_KERNEL);
	if (!gpu->page)
		return -ENOMEM;

	pci_set_master(pdev);
	pci_set_drvdata(pdev, gpu);

	gpu->dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("command", 0200, gpu->dir, gpu, &testgpu_command_fops);
	debugfs_create_file("result", 0400, gpu->dir, gpu, &testgpu_result_fops);
	dev_info(&pdev->dev, "test GPU ready\n");

	return 0;
}

static void testgpu_remove(struct pci_dev *pdev)
{
	struct testgpu *gpu = pci_get_drvdata(pdev);

	/* Waits for a command that is under way. */
	debugfs_remove(gpu->dir);
	pci_clear_master(pdev);
}

static const struct pci_device_id testgpu_ids[] = {
	{ PCI_DEVICE(EDU_VENDOR, EDU_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, testgpu_ids);

static struct pci_driver testgpu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = testgpu_ids,
	.probe = testgpu_probe,
	.remove = testgpu_remove,
};
module_pci_driver(testgpu_driver);

MODULE_DESCRIPTION("XenGT test GPU: QEMU's edu device behind the shadow GTT");
MODULE_LICENSE("GPL");
