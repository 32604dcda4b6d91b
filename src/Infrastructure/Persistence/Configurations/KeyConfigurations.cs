using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence.Configurations;

/// <summary>The tables of the service's own keys.</summary>
internal sealed class KeyConfigurations :
    IEntityTypeConfiguration<DataKeyRow>, IEntityTypeConfiguration<KeyRotationRow>, IEntityTypeConfiguration<KeyRingRow>, IEntityTypeConfiguration<IntegrityKeyRow>,
    IEntityTypeConfiguration<KeyStateRow>, IEntityTypeConfiguration<RootKeyRow>, IEntityTypeConfiguration<KeyAccountRow>, IEntityTypeConfiguration<AuditKeyRow>
{
    public void Configure(EntityTypeBuilder<DataKeyRow> builder)
    {
        builder.ToTable("data_keys");
        builder.HasKey(key => key.Id);
        builder.Property(key => key.Id).ValueGeneratedNever();
        builder.Property(key => key.OwnerId).HasMaxLength(SecretOwner.MaxIdLength);
        builder.HasIndex(key => new { key.OwnerKind, key.OwnerId })
            .IsUnique().HasFilter("retired_at IS NULL").HasDatabaseName("ux_data_keys_current");
        builder.HasIndex(key => new { key.OwnerKind, key.OwnerId }, "ix_data_keys_owner");
        builder.HasOne<Owner>().WithMany()
            .HasForeignKey(key => new { key.OwnerKind, key.OwnerId })
            .HasConstraintName("fk_data_keys_owner")
            .OnDelete(DeleteBehavior.Restrict);
    }

    public void Configure(EntityTypeBuilder<KeyRotationRow> builder)
    {
        builder.ToTable("key_rotations");
        builder.HasKey(row => row.Layer);
        builder.Property(row => row.Layer).ValueGeneratedNever();
    }

    public void Configure(EntityTypeBuilder<KeyRingRow> builder)
    {
        builder.ToTable("key_ring");
        builder.HasKey(row => row.Name);
        builder.Property(row => row.Name).HasMaxLength(KeyRingRow.MaxNameLength);
        builder.Property(row => row.Tag).HasMaxLength(IntegrityKey.TagSize).IsFixedLength();
    }

    public void Configure(EntityTypeBuilder<IntegrityKeyRow> builder)
    {
        builder.ToTable("integrity_keys");
        builder.HasKey(row => row.Number);
        builder.Property(row => row.Number).ValueGeneratedNever();
    }

    public void Configure(EntityTypeBuilder<KeyStateRow> builder)
    {
        builder.ToTable("key_state");
        builder.HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
        builder.Property(row => row.Tag).HasMaxLength(IntegrityKey.TagSize).IsFixedLength();
    }

    public void Configure(EntityTypeBuilder<RootKeyRow> builder)
    {
        builder.ToTable("root_keys");
        builder.HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
        builder.Property(row => row.Fingerprint).HasMaxLength(RootKey.FingerprintLength);
    }

    public void Configure(EntityTypeBuilder<KeyAccountRow> builder)
    {
        builder.ToTable("key_accounts");
        builder.HasKey(row => row.UserId);
        builder.Property(row => row.UserId).ValueGeneratedNever();
        builder.Property(row => row.Account).HasMaxLength(Account.SealedSize).IsFixedLength();
    }

    public void Configure(EntityTypeBuilder<AuditKeyRow> builder)
    {
        builder.ToTable("audit_keys");
        builder.HasKey(row => row.Id);
        builder.Property(row => row.Id).ValueGeneratedNever();
        builder.Property(row => row.Mac).IsHash();
    }
}
