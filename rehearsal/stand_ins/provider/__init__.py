"""What the stand-ins of Pulumi providers share: the gRPC server, property values on the wire, differences."""
