"""What the stand-ins of Pulumi providers do alike: the gRPC server, property values on the wire, differences."""
