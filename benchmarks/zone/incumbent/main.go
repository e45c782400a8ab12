// What engineers use today: terraform-provider-openstack, served by Pulumi's bridge under the type tokens and
// property names of the package pulumi_openstack. `schema` as its argument prints its schema.
package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
	sdkv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-provider-openstack/terraform-provider-openstack/v3/openstack"
)

const version = "5.5.3"

// Terraform's name of a resource, without `openstack_`, to module and name in pulumi_openstack.
var types = map[string]string{
	"blockstorage_qos_association_v3":          "blockstorage QosAssociationV3",
	"blockstorage_qos_v3":                      "blockstorage QosV3",
	"blockstorage_quotaset_v3":                 "blockstorage QuoteSetV3",
	"blockstorage_volume_attach_v3":            "blockstorage VolumeAttach",
	"blockstorage_volume_type_access_v3":       "blockstorage VolumeTypeAccessV3",
	"blockstorage_volume_type_v3":              "blockstorage VolumeTypeV3",
	"blockstorage_volume_v3":                   "blockstorage Volume",
	"compute_aggregate_v2":                     "compute AggregateV2",
	"compute_flavor_access_v2":                 "compute FlavorAccess",
	"compute_flavor_v2":                        "compute Flavor",
	"compute_instance_v2":                      "compute Instance",
	"compute_interface_attach_v2":              "compute InterfaceAttach",
	"compute_keypair_v2":                       "compute Keypair",
	"compute_quotaset_v2":                      "compute QuotaSetV2",
	"compute_servergroup_v2":                   "compute ServerGroup",
	"compute_volume_attach_v2":                 "compute VolumeAttach",
	"identity_application_credential_v3":       "identity ApplicationCredential",
	"identity_group_v3":                        "identity GroupV3",
	"identity_inherit_role_assignment_v3":      "identity InheritRoleAssignment",
	"identity_limit_v3":                        "identity LimitV3",
	"identity_project_v3":                      "identity Project",
	"identity_registered_limit_v3":             "identity RegisteredLimitV3",
	"identity_role_assignment_v3":              "identity RoleAssignment",
	"identity_role_v3":                         "identity Role",
	"identity_user_membership_v3":              "identity UserMembershipV3",
	"identity_user_v3":                         "identity User",
	"images_image_access_v2":                   "images ImageAccess",
	"images_image_v2":                          "images Image",
	"networking_address_group_v2":              "networking AddressGroupV2",
	"networking_addressscope_v2":               "networking AddressScope",
	"networking_floatingip_associate_v2":       "networking FloatingIpAssociate",
	"networking_floatingip_v2":                 "networking FloatingIp",
	"networking_network_v2":                    "networking Network",
	"networking_port_secgroup_associate_v2":    "networking PortSecGroupAssociate",
	"networking_port_v2":                       "networking Port",
	"networking_portforwarding_v2":             "networking PortForwardingV2",
	"networking_qos_bandwidth_limit_rule_v2":   "networking QosBandwidthLimitRule",
	"networking_qos_dscp_marking_rule_v2":      "networking QosDscpMarkingRule",
	"networking_qos_minimum_bandwidth_rule_v2": "networking QosMinimumBandwidthRule",
	"networking_qos_policy_v2":                 "networking QosPolicy",
	"networking_quota_v2":                      "networking QuotaV2",
	"networking_rbac_policy_v2":                "networking RbacPolicyV2",
	"networking_router_interface_v2":           "networking RouterInterface",
	"networking_router_route_v2":               "networking RouterRoute",
	"networking_router_v2":                     "networking Router",
	"networking_secgroup_rule_v2":              "networking SecGroupRule",
	"networking_secgroup_v2":                   "networking SecGroup",
	"networking_subnet_route_v2":               "networking SubnetRoute",
	"networking_subnet_v2":                     "networking Subnet",
	"networking_subnetpool_v2":                 "networking SubnetPool",
	"networking_trunk_v2":                      "networking Trunk",
}

func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:            sdkv2.NewProvider(openstack.Provider()),
		Name:         "openstack",
		Version:      version,
		Resources:    map[string]*tfbridge.ResourceInfo{},
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
	info.P.ResourcesMap().Range(func(name string, _ shim.Resource) bool {
		module, kind, served := strings.Cut(types[strings.TrimPrefix(name, "openstack_")], " ")
		if served {
			file := strings.ToLower(kind[:1]) + kind[1:]
			token := tokens.Type("openstack:" + module + "/" + file + ":" + kind)
			info.Resources[name] = &tfbridge.ResourceInfo{Tok: token}
		} else {
			info.IgnoreMappings = append(info.IgnoreMappings, name)
		}
		return true
	})
	info.P.DataSourcesMap().Range(func(name string, _ shim.Resource) bool {
		info.IgnoreMappings = append(info.IgnoreMappings, name)
		return true
	})
	return info
}

func main() {
	info := provider()
	quiet := diag.DefaultSink(os.Stderr, os.Stderr, diag.FormatOptions{Color: colors.Never})
	schema, failed := tfgen.GenerateSchema(info, quiet)
	if failed != nil {
		panic(failed)
	}
	written, failed := json.Marshal(schema)
	if failed != nil {
		panic(failed)
	}
	if len(os.Args) > 1 && os.Args[1] == "schema" {
		_, failed = os.Stdout.Write(written)
		if failed != nil {
			panic(failed)
		}
		return
	}
	tfbridge.Main("openstack", version, info, written)
}
