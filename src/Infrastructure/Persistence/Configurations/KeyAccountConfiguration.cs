using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Secrets.Infrastructure.Persistence.Rows;

namespace Secrets.Infrastructure.Persistence.Configurations;

internal sealed class KeyAccountConfiguration : IEntityTypeConfiguration<KeyAccountRow>
{
    public void Configure(EntityTypeBuilder<KeyAccountRow> builder)
    {
        builder.ToTable("key_accounts");
        builder.HasKey(row => row.UserId);
        builder.Property(row => row.UserId).ValueGeneratedNever();
        builder.Property(row => row.Account).HasMaxLength(Account.SealedSize).IsFixedLength();
    }
}
