using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Secrets.Infrastructure.Persistence.Configurations;

internal sealed class AuditConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    public void Configure(EntityTypeBuilder<AuditEntry> builder)
    {
        // A foreign key to the writer is not needed: the statement that stores rows also moves the writer's head.
        builder.ToTable("audit");
        builder.HasKey(entry => new { entry.Writer, entry.Sequence });

        // The column is wider than the type: an edited 257 must not be read as 1.
        builder.Property(entry => entry.OwnerKind).HasConversion(kind => (short?)kind, number => checked((OwnerKind?)number));
        builder.Property(entry => entry.OwnerId).HasMaxLength(SecretOwner.MaxIdLength);
        builder.Property(entry => entry.TokenIssuer).HasMaxLength(Credential.MaxNameLength);
        builder.Property(entry => entry.TokenSubject).HasMaxLength(Credential.MaxNameLength);
        builder.Property(entry => entry.ToolName).HasMaxLength(AuditEvent.MaxNameLength);
        builder.Property(entry => entry.ToolArg).HasMaxLength(AuditEvent.MaxNameLength);
        builder.Property(entry => entry.Address).HasMaxLength(AuditEvent.MaxAddressLength);
        builder.Property(entry => entry.AgentId).HasMaxLength(CallContext.MaxLength);
        builder.Property(entry => entry.RunId).HasMaxLength(CallContext.MaxLength);
        builder.Property(entry => entry.ToolCallId).HasMaxLength(CallContext.MaxLength);
        builder.Property(entry => entry.RequestId).HasMaxLength(AuditEvent.MaxRequestIdLength);
        builder.Property(entry => entry.ClientRequestId).HasMaxLength(AuditEvent.MaxRequestIdLength);
        builder.Property(entry => entry.Hash).IsHash();

        // Verifies the versions of accounts (docs/decisions/0020-the-database-is-not-trusted.md). Filtered to rows of writes, so that a resolve adds no entry.
        builder.HasIndex(entry => new { entry.OwnerId, entry.OwnerVersion })
            .HasFilter("owner_version IS NOT NULL AND target_key_user_id IS NULL").HasDatabaseName("ix_audit_owner_version");
        builder.HasIndex(entry => new { entry.TargetKeyUserId, entry.OwnerVersion })
            .HasFilter("owner_version IS NOT NULL AND target_key_user_id IS NOT NULL").HasDatabaseName("ix_audit_key_version");

        // Every resolve writes to these three, so there are no more: they serve queries by time, by owner and by actor.
        builder.HasIndex(entry => entry.At).HasDatabaseName("ix_audit_at");
        builder.HasIndex(entry => new { entry.OwnerId, entry.At }).HasDatabaseName("ix_audit_owner");
        builder.HasIndex(entry => new { entry.Actor, entry.At }).HasDatabaseName("ix_audit_actor");
    }
}

internal sealed class AuditWriterConfiguration : IEntityTypeConfiguration<AuditWriter>
{
    public void Configure(EntityTypeBuilder<AuditWriter> builder)
    {
        builder.ToTable("audit_writers");
        builder.HasKey(writer => writer.Id);
        builder.Property(writer => writer.Id).ValueGeneratedNever();
        builder.Property(writer => writer.Hash).IsHash();
        builder.Property(writer => writer.HeadMac).IsHash();
        builder.Property(writer => writer.AnchorHash).IsHash();
        builder.Property(writer => writer.AnchorMac).IsHash();
        builder.Ignore(writer => writer.Head).Ignore(writer => writer.Anchor);
    }
}
