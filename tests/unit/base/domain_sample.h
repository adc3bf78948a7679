/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The live XML of a domain that has some of everything, as libvirt writes it. */
#define KT_SAMPLE_DOMAIN                                                                                     \
    "<domain type='kvm' id='3' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"                   \
    "  <name>db-1</name>\n"                                                                                  \
    "  <uuid>C7A5FDBD-edaf-9455-926a-d65c16db1809</uuid>\n"                                                  \
    "  <title>Orders &amp; stock</title>\n"                                                                  \
    "  <description>first line&#xA;second</description>\n"                                                   \
    "  <metadata>\n"                                                                                         \
    "    <libosinfo:libosinfo xmlns:libosinfo=\"http://libosinfo.org/xmlns/libvirt/domain/1.0\">\n"          \
    "      <libosinfo:os id=\"http://debian.org/debian/12\"/>\n"                                             \
    "    </libosinfo:libosinfo>\n"                                                                           \
    "    <site:note xmlns:site=\"urn:example:site\" site:owner=\"a&#10;b\">\n"                               \
    "      <driver cache='mine'/>\n"                                                                         \
    "      <![CDATA[<not> & parsed]]>\n"                                                                     \
    "    </site:note>\n"                                                                                     \
    "  </metadata>\n"                                                                                        \
    "  <memory unit='KiB'>4194304</memory>\n"                                                                \
    "  <currentMemory unit='KiB'>2097152</currentMemory>\n"                                                  \
    "  <memoryBacking>\n"                                                                                    \
    "    <hugepages>\n"                                                                                      \
    "      <page size='1048576' unit='KiB'/>\n"                                                              \
    "    </hugepages>\n"                                                                                     \
    "    <nosharepages/>\n"                                                                                  \
    "    <locked/>\n"                                                                                        \
    "    <source type='memfd'/>\n"                                                                           \
    "    <access mode='shared'/>\n"                                                                          \
    "  </memoryBacking>\n"                                                                                   \
    "  <vcpu placement='static' cpuset='0-15,^3' current='3'>4</vcpu>\n"                                     \
    "  <vcpus>\n"                                                                                            \
    "    <vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>\n"                                         \
    "    <vcpu id='1' enabled='yes' hotpluggable='no' order='2'/>\n"                                         \
    "    <vcpu id='2' enabled='no' hotpluggable='yes'/>\n"                                                   \
    "    <vcpu id='3' enabled='yes' hotpluggable='yes' order='3'/>\n"                                        \
    "  </vcpus>\n"                                                                                           \
    "  <iothreads>3</iothreads>\n"                                                                           \
    "  <iothreadids>\n"                                                                                      \
    "    <iothread id='2'/>\n"                                                                               \
    "    <iothread id='7'/>\n"                                                                               \
    "    <iothread id='1'/>\n"                                                                               \
    "  </iothreadids>\n"                                                                                     \
    "  <cputune>\n"                                                                                          \
    "    <shares>2048</shares>\n"                                                                            \
    "    <period>100000</period>\n"                                                                          \
    "    <iothread_quota>50000</iothread_quota>\n"                                                           \
    "    <vcpupin vcpu='0' cpuset='4-5'/>\n"                                                                 \
    "    <vcpupin vcpu='2' cpuset='6,8-9'/>\n"                                                               \
    "    <emulatorpin cpuset='0-1'/>\n"                                                                      \
    "    <iothreadpin iothread='2' cpuset='2'/>\n"                                                           \
    "    <vcpusched vcpus='0' scheduler='fifo' priority='1'/>\n"                                             \
    "  </cputune>\n"                                                                                         \
    "  <numatune>\n"                                                                                         \
    "    <memory mode='strict' nodeset='0-1'/>\n"                                                            \
    "    <memnode cellid='0' mode='preferred' nodeset='1'/>\n"                                               \
    "  </numatune>\n"                                                                                        \
    "  <os>\n"                                                                                               \
    "    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n"                                              \
    "    <boot dev='hd'/>\n"                                                                                 \
    "  </os>\n"                                                                                              \
    "  <cpu mode='host-passthrough' check='none'>\n"                                                         \
    "    <topology sockets='1' dies='1' cores='2' threads='2'/>\n"                                           \
    "    <numa>\n"                                                                                           \
    "      <cell id='0' cpus='0-1' memory='2' unit='GiB'/>\n"                                                \
    "      <cell id='1' cpus='2-3' memory='2097152' unit='KiB'/>\n"                                          \
    "    </numa>\n"                                                                                          \
    "  </cpu>\n"                                                                                             \
    "  <!-- the backup job wants this emulator -->\n"                                                        \
    "  <devices>\n"                                                                                          \
    "    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"                                                 \
    "    <disk type='file' device='disk'>\n"                                                                 \
    "      <driver name='qemu' type='qcow2' cache='writeback' io='threads' discard='unmap' iothread='2'/>\n" \
    "      <source file='/var/lib/libvirt/images/db &quot;1&quot;.qcow2' index='2'/>\n"                      \
    "      <backingStore/>\n"                                                                                \
    "      <mirror type='file' job='copy'>\n"                                                                \
    "        <source file='/copy.qcow2'/>\n"                                                                 \
    "      </mirror>\n"                                                                                      \
    "      <target dev='vda' bus='virtio'/>\n"                                                               \
    "      <alias name='virtio-disk0'/>\n"                                                                   \
    "    </disk>\n"                                                                                          \
    "    <disk type='volume'>\n"                                                                             \
    "      <source pool='default' volume='logs'/>\n"                                                         \
    "      <target dev='vdb' bus='virtio'/>\n"                                                               \
    "      <shareable/>\n"                                                                                   \
    "      <transient/>\n"                                                                                   \
    "    </disk>\n"                                                                                          \
    "    <disk type='file' device='cdrom'>\n"                                                                \
    "      <driver name='qemu' type='raw'/>\n"                                                               \
    "      <target dev='sda' bus='sata'/>\n"                                                                 \
    "      <readonly/>\n"                                                                                    \
    "    </disk>\n"                                                                                          \
    "    <interface type='network'>\n"                                                                       \
    "      <mac address='52:54:00:AA:bb:01'/>\n"                                                             \
    "      <source network='default' portid='x' bridge='virbr0'/>\n"                                         \
    "      <target dev='vnet0'/>\n"                                                                          \
    "      <model type='e1000'/>\n"                                                                          \
    "      <driver queues='4'/>\n"                                                                           \
    "      <boot order='2'/>\n"                                                                              \
    "      <alias name='net0'/>\n"                                                                           \
    "    </interface>\n"                                                                                     \
    "    <interface type='hostdev' managed='yes'>\n"                                                         \
    "      <mac address='52:54:00:aa:bb:02'/>\n"                                                             \
    "      <source>\n"                                                                                       \
    "        <address type='pci' domain='0x0000' bus='0x3b' slot='0x02' function='0x1'/>\n"                  \
    "      </source>\n"                                                                                      \
    "    </interface>\n"                                                                                     \
    "    <interface type='bridge'>\n"                                                                        \
    "      <mac address='52:54:00:aa:bb:03'/>\n"                                                             \
    "      <source bridge='br0'/>\n"                                                                         \
    "      <model type='virtio'/>\n"                                                                         \
    "    </interface>\n"                                                                                     \
    "    <interface type='bridge'>\n"                                                                        \
    "      <mac address='52:54:00:aa:bb:03'/>\n"                                                             \
    "      <source bridge='br1'/>\n"                                                                         \
    "    </interface>\n"                                                                                     \
    "    <channel type='unix'>\n"                                                                            \
    "      <source mode='bind' path='/run/agent.sock'/>\n"                                                   \
    "      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/>\n"                        \
    "    </channel>\n"                                                                                       \
    "    <hostdev mode='subsystem' type='pci' managed='yes'>\n"                                              \
    "      <source>\n"                                                                                       \
    "        <address domain='0x10000' bus='0xaf' slot='0x1f' function='0x7'/>\n"                            \
    "      </source>\n"                                                                                      \
    "      <address type='pci' domain='0x0000' bus='0x07' slot='0x00' function='0x0'/>\n"                    \
    "    </hostdev>\n"                                                                                       \
    "    <hostdev mode='subsystem' type='usb'>\n"                                                            \
    "      <source>\n"                                                                                       \
    "        <address bus='1' device='4'/>\n"                                                                \
    "      </source>\n"                                                                                      \
    "    </hostdev>\n"                                                                                       \
    "  </devices>\n"                                                                                         \
    "  <seclabel type='dynamic' model='apparmor' relabel='yes'/>\n"                                          \
    "  <qemu:commandline>\n"                                                                                 \
    "    <qemu:arg value='-newarg'/>\n"                                                                      \
    "  </qemu:commandline>\n"                                                                                \
    "</domain>\n"
